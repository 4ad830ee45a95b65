/** Bounds of the storage protocols: what one message, one peer and all peers together may cost. Spec: docs/spec/05-storage-protocol.md § Limits */
import { KiB, MiB } from '../../base/bytes.ts'
import { SECOND } from '../../base/clock.ts'

/** Version of every message of these protocols. */
export const MESSAGE_VERSION = 1
/** First message of an exchange. */
export const MAX_REQUEST_BYTES = 4 * KiB
/** Any answer without its body. */
export const MAX_ANSWER_BYTES = 8 * KiB
/** Shard ids in one `has` or release order. */
export const MAX_IDS = 64
/** Devices whose heads one `get-head` brings. */
export const MAX_HEADS = 64
export const MAX_FORKS = 4
export const MAX_ADDRESSES = 8
export const MAX_ADDRESS_BYTES = 256
export const MAX_TOKEN_BYTES = 64
/** Room for a proof of work. */
export const MAX_STAMP_BYTES = 256
export const MAX_VERSION_BYTES = 32
/** Ids of a renewal that does not match are narrowed down by at most this much. */
export const MAX_PREFIX_BYTES = 2

export interface ServeOptions {
  /** From a stream's first byte to its whole request. */
  readonly requestMs: number
  /** From the request to the end of the exchange, bodies included. */
  readonly exchangeMs: number
  /** For the answer that tells a peer why it was refused. */
  readonly refusalMs: number
  readonly maxStreamsPerPeer: number
  readonly maxStreams: number
  /** Bodies held in memory. */
  readonly maxBytesPerPeer: number
  readonly maxBytes: number
}

export const serveDefaults: ServeOptions = {
  requestMs: 15 * SECOND,
  exchangeMs: 180 * SECOND,
  refusalMs: 2 * SECOND,
  maxStreamsPerPeer: 32,
  maxStreams: 512,
  maxBytesPerPeer: 12 * MiB,
  maxBytes: 128 * MiB,
}

export interface CallOptions {
  /** For an answer that needs no body: the other side only looks something up. */
  readonly answerMs: number
  /** For everything that moves a body or waits for a disk. */
  readonly transferMs: number
}

export const callDefaults: CallOptions = { answerMs: 20 * SECOND, transferMs: 120 * SECOND }

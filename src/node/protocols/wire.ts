/**
 * The byte stream every protocol speaks over, and its framing: an unsigned varint length, then that many bytes of
 * canonical CBOR (docs/spec/05-storage-protocol.md). Nothing here knows libp2p. Invariant: a length is checked against
 * the limit of the message that is due before a single byte of it is awaited or allocated.
 */
import { pipe } from 'it-pipe'
import { PlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'

/** One bidirectional stream of one exchange, already encrypted and authenticated below. */
export interface WireStream {
  /** The next raw bytes, never empty; undefined once the other side ended. Rejects when aborted or reset. */
  read(signal: AbortSignal): Promise<Uint8Array | undefined>
  /** Resolves when the bytes are accepted under back-pressure; the caller keeps them unchanged until then. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Resets the stream; pending reads and writes of both sides reject. Safe to call at any time, also twice. */
  abort(error: Error): void
  /** Flushes what was written and ends the stream. Proves nothing about what the other side did with it. */
  close(): Promise<void>
}

/** Who is at the other end, as the connection authenticated it, and the multiaddr it is seen at. */
export interface WirePeer {
  readonly peer: PeerKey
  readonly address: string
}

/** Serves one stream from its first byte to its end. Never rejects: failures are answered, then logged. */
export type ProtocolHandler = (stream: WireStream, from: WirePeer) => Promise<void>

/** Longest length prefix: 4 varint bytes, values below 2²⁸. */
const MAX_LENGTH_BYTES = 4
/** Bodies are written in pieces of this size, so that a slow reader stalls the writer early. */
const BODY_PIECE_BYTES = 65_536

export interface FrameLimit {
  /** Name of the message, for errors. */
  readonly what: string
  readonly maxBytes: number
}

/** Reads frames and bodies off a stream; what arrives too early is kept for the next read. */
export class WireReader {
  readonly #stream: WireStream
  readonly #peer: string
  #chunk: Uint8Array = new Uint8Array(0)
  #consumed = 0

  constructor(stream: WireStream, peer: string) {
    this.#stream = stream
    this.#peer = peer
  }

  /** Bytes handed out or parsed so far; what the stream delivered beyond that waits untouched. */
  get consumedBytes(): number {
    return this.#consumed
  }

  /**
   * The next frame's payload, in memory of its own. Throws `VALIDATION_LIMIT` for a length above `maxBytes`,
   * `VALIDATION_DECODE` for a prefix that is not a minimal varint, `NETWORK_PROTOCOL` when the stream ends inside.
   */
  async frame(limit: FrameLimit, signal: AbortSignal): Promise<Uint8Array> {
    const length = await this.#prefix(limit, signal)
    if (length > limit.maxBytes) throw new PlexiError('VALIDATION_LIMIT', { what: limit.what, limit: limit.maxBytes })
    const payload = new Uint8Array(length)
    await this.fill(payload, signal)
    return payload
  }

  /** Fills `into` completely with the next raw bytes. `progress` gets the count of bytes that are there so far. */
  async fill(into: Uint8Array, signal: AbortSignal, progress?: (filled: number) => void): Promise<void> {
    let filled = 0
    while (filled < into.length) {
      const chunk = await this.#available(signal)
      const taken = chunk.subarray(0, into.length - filled)
      into.set(taken, filled)
      this.#take(taken.length)
      filled += taken.length
      progress?.(filled)
    }
  }

  async #prefix(limit: FrameLimit, signal: AbortSignal): Promise<number> {
    let value = 0
    for (let i = 0; i < MAX_LENGTH_BYTES; i++) {
      const byte = (await this.#available(signal))[0] as number
      this.#take(1)
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw this.#malformed(limit.what, 'length prefix is not minimal')
        if (value === 0) throw this.#malformed(limit.what, 'empty message')
        return value
      }
    }
    throw new PlexiError('VALIDATION_LIMIT', { what: limit.what, limit: limit.maxBytes })
  }

  async #available(signal: AbortSignal): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const next = await this.#stream.read(signal)
      if (next === undefined) {
        throw new PlexiError('NETWORK_PROTOCOL', { peer: this.#peer, reason: 'the stream ended inside a message' })
      }
      this.#chunk = next
    }
    return this.#chunk
  }

  #take(count: number): void {
    this.#chunk = this.#chunk.subarray(count)
    this.#consumed += count
  }

  #malformed(what: string, reason: string): PlexiError {
    return new PlexiError('VALIDATION_DECODE', { what, reason })
  }
}

/** Writes one frame. `limit` is the receiver's, so that a message which must be refused is never sent. */
export async function writeFrame(
  stream: WireStream,
  frame: { payload: Uint8Array; limit: FrameLimit },
  signal: AbortSignal,
): Promise<void> {
  const { payload, limit } = frame
  if (payload.length > limit.maxBytes) {
    throw new PlexiError('VALIDATION_LIMIT', { what: limit.what, limit: limit.maxBytes })
  }
  await stream.write(encodeFrame(payload), signal)
}

/** Writes `body` as raw bytes, piece by piece; both sides know its length from the messages before. */
export async function writeBody(stream: WireStream, body: Uint8Array, signal: AbortSignal): Promise<void> {
  await pipe(pieces(body), async (source) => {
    for (const piece of source) await stream.write(piece, signal)
  })
}

function* pieces(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += BODY_PIECE_BYTES) yield body.subarray(at, at + BODY_PIECE_BYTES)
}

/** Varint length and payload as one buffer: one write, one packet for small messages. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  const prefix: number[] = []
  let rest = payload.length
  while (rest > 0x7f) {
    prefix.push((rest & 0x7f) | 0x80)
    rest = Math.floor(rest / 128)
  }
  prefix.push(rest)
  const frame = new Uint8Array(prefix.length + payload.length)
  frame.set(prefix)
  frame.set(payload, prefix.length)
  return frame
}

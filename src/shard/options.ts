/**
 * Sizes and bounds of the shard room. Spec: docs/spec/02-shard.md and docs/spec/03-stripe.md.
 * What is fixed by the format is a constant; what may be tuned is an option with its default.
 */
import { KiB, MiB } from '../base/bytes.ts'
import type { Suite } from '../crypto/seal.ts'

/** Every shard is exactly this long. */
export const SHARD_BYTES = 1_048_576
/** A shard's Merkle tree has 64 leaves of this size. */
export const LEAF_BYTES = 16_384
export const LEAVES = SHARD_BYTES / LEAF_BYTES

/** Bytes of the clear header: magic, suite, reserved, epoch, salt, commitment. They are the additional data of the seal. */
export const SHARD_HEADER_BYTES = 76
/** Bytes inside the seal: the shard without header and tag. */
export const SHARD_PLAIN_BYTES = SHARD_BYTES - SHARD_HEADER_BYTES - 16

/** Bytes before the tables of a shard's plaintext: kind, frame count, entry count. */
export const PLAIN_HEAD_BYTES = 7
export const FRAME_ROW_BYTES = 13
export const ENTRY_ROW_BYTES = 42

/** Longest plaintext of one frame; also what a reader will inflate at most at a time. */
export const MAX_FRAME_BYTES = MiB
/** Frames in one shard: so a shard never unfolds to more than 1 GiB. */
export const MAX_FRAMES = 1024
/** Chunks in one shard. */
export const MAX_ENTRIES = 16_384
/** Longest chunk: what one shard can hold uncompressed. */
export const MAX_CHUNK_BYTES = SHARD_PLAIN_BYTES - PLAIN_HEAD_BYTES - FRAME_ROW_BYTES - ENTRY_ROW_BYTES
/** zstd window a reader accepts: 2²⁰ bytes. */
export const ZSTD_WINDOW_LOG = 20

/** Most shards of one stripe. */
export const MAX_STRIPE_SHARDS = 64
/** A sealed head, padded to steps of `HEAD_STEP_BYTES`. */
export const MAX_HEAD_BYTES = 256 * KiB
export const HEAD_STEP_BYTES = 4 * KiB
/** A signed head notice. */
export const MAX_NOTICE_BYTES = KiB
/** A stripe manifest's payload. */
export const MAX_MANIFEST_BYTES = 4 * KiB

/** Chunk sizes of a vault; fixed when the vault is made. `averageBytes` is a power of two. */
export interface ChunkerOptions {
  readonly minBytes: number
  readonly averageBytes: number
  readonly maxBytes: number
}

export const defaultChunkerOptions: ChunkerOptions = { minBytes: 16 * KiB, averageBytes: 64 * KiB, maxBytes: 256 * KiB }

export interface PackerOptions {
  readonly suite: Suite
  /** Plain bytes compressed together, at most `MAX_FRAME_BYTES`. */
  readonly frameBytes: number
  /** Chunks kept waiting so that the last room of a shard finds some that fit. */
  readonly windowChunks: number
  /** zstd level, 1–19. */
  readonly level: number
}

export const defaultPackerOptions: PackerOptions = { suite: 1, frameBytes: MiB, windowChunks: 32, level: 1 }

/** Inflated frames an opened shard keeps at a time. */
export const OPEN_FRAME_CACHE = 4

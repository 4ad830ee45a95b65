/** What a thread is told when it restores: the bytes of one shard, which pieces of it go where, which files end here. */
import type { ErrorCode, ErrorDetails } from '../../base/errors.ts'
import type { PackedPieces } from './pieces.ts'

/** Everything about a file but its content. */
export interface Look {
  readonly mode: number
  readonly mtimeNs: bigint
  /** User and group it is given to; absent: whoever restores keeps it. */
  readonly owner?: readonly [number, number]
  readonly xattrs?: readonly (readonly [Uint8Array, Uint8Array])[]
}

/** A file in the making. Paths are raw bytes as latin-1 text: they cross to threads as what they are, without more. */
export interface PourFile {
  readonly staged: string
  /** Other jobs bring parts of it too. */
  readonly shared: boolean
  /** With this job all of it is there: it is given its length, its look and its name. */
  readonly end?: { readonly path: string; readonly size: number; readonly look: Look }
}

/** Chunks that lie in no shard but ride in the head. */
export interface LooseChunk {
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** Sealed bytes and the id they must have. */
export interface Sealed {
  readonly bytes: Uint8Array
  readonly id: Uint8Array
}

export interface PourJob {
  readonly shard?: Sealed
  readonly loose?: readonly LooseChunk[]
  readonly pieces: PackedPieces
  readonly files: readonly PourFile[]
  /** Read back and compare what was written. */
  readonly verify: boolean
}

/** `file` is its number in the job. */
export interface PourFailure {
  readonly file: number
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

export interface PourResult {
  readonly bytes: number
  readonly failed: readonly PourFailure[]
  /** Extended attributes that could not be set. */
  readonly attributesLeft: number
}

/**
 * The jobs of the engine's threads: plain values that cross as they are. Bytes in a *slab* are shared memory, written by
 * one side at a time; everything else is copied or handed over.
 * Invariant: a job is a function of its values, the keys and the disk; only packing keeps state between jobs.
 */
import type { DiskStat, Xattr } from '../../base/disk.ts'
import type { EpochKey } from '../../crypto/authority.ts'
import type { ChunkerOptions, PackerOptions, ShardId, ShardKind } from '../../shard/index.ts'
import type { PourJob, PourResult } from '../restore/pour-job.ts'
import type { CheckJob, CheckResult } from '../verify/check-job.ts'
import type { UsesJob, UsesResult } from '../verify/uses-job.ts'
import type { Names } from './names.ts'

/** What a thread is started with. */
export interface KernelSetup {
  readonly idMac: Uint8Array
  readonly chunker: Uint8Array
  /** Newest last. */
  readonly epochs: readonly EpochKey[]
  readonly chunk: ChunkerOptions
  readonly packer: PackerOptions
}

/** What is in a directory; with `only`, what is at these names of it. */
export interface ListJob {
  readonly path: Uint8Array
  readonly only?: Names
  /** Entries looked at. */
  readonly most: number
}

/** What `lstat` says, a column each. */
export interface Columns {
  /** What is there: the place of its kind in `entryKinds`, or an `entryState`. */
  readonly states: Uint8Array
  readonly modes: Uint16Array
  /** User and group of each. */
  readonly owners: Uint32Array
  readonly links: Uint32Array
  readonly blocks: Float64Array
  readonly sizes: Float64Array
  readonly mtimes: BigInt64Array
  readonly ctimes: BigInt64Array
  readonly inodes: BigUint64Array
  readonly devices: BigUint64Array
  readonly rdevs: BigUint64Array
}

export const entryKinds: readonly DiskStat['kind'][] = [
  'file',
  'directory',
  'symlink',
  'fifo',
  'socket',
  'char',
  'block',
]

/** Nothing is there any more; it cannot be looked at. */
export const entryState = { vanished: 254, failed: 255 } as const

/** All names in ascending order, the columns of the first part; or why there are none. */
export type ListResult =
  | (Names &
      Columns & {
        /** Why an entry cannot be looked at, by its number. */
        readonly reasons: Readonly<Record<number, string>>
        /** SHA-256 of names and columns. */
        readonly digest: Uint8Array
      })
  | { readonly error: string }

/** Small files read whole, one after the other, into a slab; cut and named. */
export interface ReadJob {
  readonly slab: Uint8Array
  /** Paths one after the other, and where each ends. */
  readonly paths: Uint8Array
  readonly pathEnds: Uint32Array
  /** As they were found by the walk: whoever differs has changed. */
  readonly sizes: Float64Array
  readonly mtimes: BigInt64Array
  readonly inodes: BigInt64Array
}

export interface ReadResult extends Pieces {
  /** Of each file. */
  readonly states: Uint8Array
  readonly sizes: Uint32Array
  readonly pieces: Uint32Array
  /** Why a file could not be read, by its number. */
  readonly reasons: Readonly<Record<number, string>>
  /** Extended attributes by the number of the file; of most there are none. Null: too many to cross with the others. */
  readonly xattrs: Readonly<Record<number, FoundXattrs | null>>
}

/** In the system's order, or why they cannot be read. */
export type FoundXattrs = readonly Xattr[] | { readonly error: string }

/** `database`: it begins like one and is not cut; somebody else will read it. */
export const fileState = { read: 0, changed: 1, failed: 2, database: 3 } as const

/** Consecutive pieces of a slab. */
export interface Pieces {
  /** 32 bytes each. */
  readonly ids: Uint8Array
  readonly lengths: Uint32Array
}

/** A run of a stream, cut and named; what is left over at its end is the start of the next run. */
export interface CutJob {
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** Pieces that somebody else cut, named. */
export interface NameJob {
  readonly bytes: Uint8Array
  readonly lengths: Uint32Array
}

/** Pages of a database: each gets the hash by which it is known again. */
export interface PagesJob {
  readonly bytes: Uint8Array
  readonly pageBytes: number
}

/** Work for the packer of a thread; what another writer left there is dropped first. */
export interface PackerJob {
  readonly writer: number
  /** What it seals with to its end, also when a newer one is made meanwhile. */
  readonly epoch: EpochKey
}

/** Chunks to be stored: packed, compressed and sealed by the thread's own packer. */
export interface PackJob extends Pieces, PackerJob {
  readonly bytes: Uint8Array
  /** Where each lies in `bytes`. */
  readonly offsets: Uint32Array
  readonly kind: 'data' | 'metadata'
}

export interface PackResult {
  readonly sealed: readonly PackedShard[]
  /** About how many bytes of a shard the chunks take that are not sealed yet. */
  readonly waitingBytes: number
}

export interface PackedShard {
  readonly id: ShardId
  /** Shared memory of the thread, which wants it back by `reuse`: so nobody's garbage grows with what is stored. */
  readonly bytes: Uint8Array
  readonly kind: ShardKind
  readonly usedBytes: number
  /** Of its chunks, 32 bytes each. */
  readonly ids: Uint8Array
}

/** Nobody reads this shard there any more: another one may be sealed into its memory. */
export interface ReuseJob {
  readonly shard: Uint8Array
}

/** What a packer hands back: nothing of it is sealed. */
export interface TakenChunks extends Pieces {
  readonly bytes: Uint8Array
  /** 1 where a chunk is metadata. */
  readonly metadata: Uint8Array
}

/** Name → [job, result]. */
export interface Jobs {
  list: [ListJob, ListResult]
  read: [ReadJob, ReadResult]
  cut: [CutJob, Pieces]
  name: [NameJob, Pieces]
  pages: [PagesJob, Uint8Array]
  pack: [PackJob, PackResult]
  flush: [PackerJob, PackResult]
  take: [PackerJob, TakenChunks]
  reuse: [ReuseJob, undefined]
  pour: [PourJob, PourResult]
  check: [CheckJob, CheckResult]
  uses: [UsesJob, UsesResult]
}

export type JobName = keyof Jobs

export type Message = { [K in JobName]: { readonly name: K; readonly job: Jobs[K][0] } }[JobName]

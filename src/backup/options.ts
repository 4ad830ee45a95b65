/** Every bound and tunable of this room. Format limits are part of docs/spec/04-snapshot-and-head.md and never change. */
import { GiB, KiB, MiB } from '../base/bytes.ts'
import { DAY, SECOND } from '../base/clock.ts'

export interface BackupOptions {
  /** Chunk sizes of new data, bytes. Fixed for the life of a vault. */
  readonly chunk: { readonly minBytes: number; readonly averageBytes: number; readonly maxBytes: number }
  readonly packer: {
    readonly suite: 1 | 2
    readonly frameBytes: number
    readonly windowChunks: number
    readonly level: number
  }
  /** Sealed shards waiting for hosts; the smaller of this and half the free disk. */
  readonly maxOutboxBytes: number
  /** Chunks that ride in the head instead of costing a stripe, stored bytes. */
  readonly maxInlineBytes: number
  /** Index segments that ride in the head, bytes. */
  readonly maxInlineSegmentBytes: number
  /** More index roots than this are merged into one. */
  readonly maxIndexRoots: number
  /** Entries taken from the walk before their turn; small files among them are read ahead. */
  readonly readAheadItems: number
  /** Names of a directory looked at in one job. */
  readonly listedAtOnce: number
  /** Bytes of a large file read at once. */
  readonly readBlockBytes: number
  /** Stripes being placed at once. */
  readonly stripesInFlight: number
  /** Sealed shards per commit of index and catalogue. */
  readonly shardsPerCommit: number
  /** Opened shards kept while reading. */
  readonly openShards: number
  /** Shards fetched at once while restoring or verifying. */
  readonly fetchesInFlight: number
  /** Extents planned at once while restoring: bounds memory. */
  readonly restoreWindowExtents: number
  readonly progressEveryMs: number
  /** While the outbox is full, hosts are asked again this often. */
  readonly outboxRetryMs: number
  /** Held against `safe`. */
  readonly target: number
  /** Whether files are given their owners back (needs root). */
  readonly restoreOwners: boolean
  /** A device's own newer head on hosts younger than this counts as a second fork. */
  readonly forkWindowMs: number
}

export const defaultBackupOptions: BackupOptions = {
  chunk: { minBytes: 16 * KiB, averageBytes: 64 * KiB, maxBytes: 256 * KiB },
  packer: { suite: 1, frameBytes: MiB, windowChunks: 32, level: 1 },
  maxOutboxBytes: 8 * GiB,
  maxInlineBytes: 168 * KiB,
  maxInlineSegmentBytes: 48 * KiB,
  maxIndexRoots: 32,
  readAheadItems: 2_048,
  listedAtOnce: 8_192,
  readBlockBytes: 2 * MiB,
  stripesInFlight: 4,
  shardsPerCommit: 16,
  openShards: 4,
  fetchesInFlight: 8,
  restoreWindowExtents: 100_000,
  progressEveryMs: 0.2 * SECOND,
  outboxRetryMs: 5 * SECOND,
  target: 0.9999,
  restoreOwners: false,
  forkWindowMs: DAY,
}

/** Limits of the formats. */
export const limits = {
  /** A metadata object never exceeds what a chunk may hold. */
  objectBytes: 256 * KiB,
  nameBytes: 1024,
  linkBytes: 32 * KiB,
  xattrs: 1024,
  /** What a writer keeps of one entry, so that its node fits an object with room for the rest. */
  xattrsBytes: 128 * KiB,
  /** Items of one list object. */
  listItems: 8192,
  listDepth: 8,
  /** A snapshot body; longer ones do not ride in the head. */
  snapshotBytes: 128 * KiB,
  snapshotRiderBytes: 2 * KiB,
  snapshotsInHead: 64,
  tags: 256,
  noteCharacters: 4096,
  /** Exports named in a summary. */
  exports: 1000,
  paths: 1024,
  headBytes: 255 * KiB,
  inlineFrames: 512,
  groups: 64,
  olderRoots: 4096,
  tombstones: 1024,
  /** An index segment: room for the chunks of the fullest shard, and a stripe's name. */
  segmentBytes: 512 * KiB,
  segmentShards: 65_536,
  segmentStripes: 65_536,
  chunksPerShard: 65_536,
  indexRoots: 64,
  pathDepth: 4096,
  /** A path inside a tree, from its top. */
  pathBytes: 32 * KiB,
} as const

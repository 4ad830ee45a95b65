/** Snapshots, what is in them, and the shards they rest on. */
import * as z from 'zod'
import { flag, hexId, page, pathText, peerId, probability, snapshotFilter, snapshotRef, time, uint } from './common.ts'

export const snapshot = z.object({
  id: z.string(),
  time,
  name: z.string().nullable(),
  tags: z.array(z.string()),
  paths: z.array(z.string()),
  files: uint,
  dirs: uint,
  bytes: uint,
  device: z.string(),
  /** All its stripes are placed. */
  placed: z.boolean(),
  safe: probability,
  restorable: probability,
  /** Some files could not be read. */
  partial: z.boolean(),
})
export type Snapshot = z.output<typeof snapshot>

/** `path` uses `/`; names that are not UTF-8 carry `rawPath` (hex of the bytes) beside a readable `path`. */
export const entry = z.object({
  path: z.string(),
  type: z.enum(['file', 'dir', 'symlink', 'fifo', 'socket', 'char', 'block']),
  size: uint,
  /** Permission bits, decimal. */
  mode: uint,
  mtime: time,
  user: z.string().nullable(),
  group: z.string().nullable(),
  target: z.string().optional(),
  rawPath: z.string().optional(),
})
export type Entry = z.output<typeof entry>

export const foundEntry = entry.extend({ snapshot: z.string(), time })
export type FoundEntry = z.output<typeof foundEntry>

/** What one entry became from snapshot `a` to `b`; `path` from what is compared. */
export const difference = z.object({
  path: z.string(),
  rawPath: z.string().optional(),
  /** `type` something else of that name · `modified` other content · `metadata` mode, owner, time or attributes alone */
  change: z.enum(['added', 'removed', 'type', 'modified', 'metadata']),
  before: entry.nullable(),
  after: entry.nullable(),
})
export type Difference = z.output<typeof difference>

export const snapshotsQuery = page.extend(snapshotFilter.shape)
export const treeQuery = page.extend(snapshotFilter.shape).extend({
  /** Inside the snapshot; absent: its top. `path` here is not the filter of the same name. */
  at: pathText.optional(),
  recursive: flag.optional(),
})
/** `from` and `length` ask for a part of the file; what lies beyond its end is left out. */
export const fileQuery = snapshotFilter.extend({
  at: pathText,
  from: z.coerce.number().int().min(0).optional(),
  length: z.coerce.number().int().min(0).optional(),
})
/** `at` is what of the snapshot; absent: all of it. */
export const archiveQuery = snapshotFilter.extend({ at: pathText.optional() })
/** The filters say what `latest` means; `aAt` and `bAt` are paths inside the snapshots. */
export const diffQuery = page
  .extend(snapshotFilter.shape)
  .extend({ aAt: pathText.optional(), bAt: pathText.optional() })
export const searchQuery = page.extend({
  /** A glob over names; with a `/` in it over whole paths. */
  pattern: z.string().min(1).max(4096),
  snapshot: snapshotRef.optional(),
})

export const shardKind = z.enum(['data', 'metadata', 'mixed', 'parity', 'unknown'])
export const shardState = z.enum(['local', 'placed', 'hosted'])

export const shardRow = z.object({
  id: hexId,
  kind: shardKind,
  stripe: hexId.nullable(),
  index: uint.nullable(),
  k: uint.nullable(),
  n: uint.nullable(),
  /** Peers that gave a receipt for it; nobody is asked. */
  holders: z.array(z.object({ peer: peerId, name: z.string().nullable() })),
  /** `local` in the outbox only · `placed` with a receipt · `hosted` kept for somebody else */
  state: shardState,
  /** For hosted shards: whose. Hex vault id. */
  vault: hexId.nullable(),
  bytes: uint,
})
export type ShardRow = z.output<typeof shardRow>

export const holder = z.object({
  peer: peerId,
  name: z.string().nullable(),
  state: z.enum(['held', 'missing', 'unreachable', 'released', 'corrupt', 'unknown']),
  lastAudit: time.nullable(),
  leaseUntil: time.nullable(),
})
export type HolderRow = z.output<typeof holder>

export const shardDetail = z.object({
  id: hexId,
  kind: shardKind,
  epoch: uint.nullable(),
  suite: uint.nullable(),
  stripe: hexId.nullable(),
  index: uint.nullable(),
  k: uint.nullable(),
  n: uint.nullable(),
  holders: z.array(holder),
  /** Chunks inside: number, or null where this home has no key to see them. */
  chunks: uint.nullable(),
  /** One line for people: what this shard is for. */
  why: z.string(),
  state: shardState,
  vault: hexId.nullable(),
  snapshots: z.array(z.string()),
})
export type ShardDetail = z.output<typeof shardDetail>

export const shardProof = z.object({
  id: hexId,
  leaf: uint,
  /** The leaf's 16 KiB as hex. */
  data: z.string(),
  /** Sibling hashes from the leaf upwards, hex. */
  path: z.array(z.string()),
  /** The root these lead to, hex; equals `id` when `ok`. */
  root: hexId,
  ok: z.boolean(),
})
export type ShardProof = z.output<typeof shardProof>

export const shardCheck = z.object({ ok: z.boolean(), id: z.string(), root: z.string(), leaves: uint })
export type ShardCheck = z.output<typeof shardCheck>

export const shardFilter = z.strictObject({
  snapshot: snapshotRef.optional(),
  peer: z.string().min(1).max(128).optional(),
  hosted: flag.optional(),
})
export type ShardFilter = z.output<typeof shardFilter>
export const shardsQuery = page.extend(shardFilter.shape)
/** An id, or an unambiguous start of one of at least 4 digits. */
export const shardRef = z.string().regex(/^[0-9a-f]{4,64}$/, 'expected 4 to 64 hex digits')
export const proofQuery = z.strictObject({ leaf: z.coerce.number().int().min(0).max(63) })

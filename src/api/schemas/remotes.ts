/** Remotes: directories on a disk or NAS that keep a copy of everything; seeds, which carry shards to a host on a disk. */
import * as z from 'zod'
import { pathText, peerId, peerRef, text, time, uint } from './common.ts'

export const remote = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  path: z.string(),
  state: z.enum(['present', 'absent', 'foreign', 'full', 'failed']),
  /** Why it is not `present`. */
  reason: text.nullable(),
  /** Everything stored can be restored from it alone, the newest snapshot included. */
  complete: z.boolean(),
  /** Bytes of shards there, and of those still to be copied. */
  bytes: uint,
  missing: uint,
  /** Null while it is not there. */
  free: uint.nullable(),
  total: uint.nullable(),
  added: time,
  lastSeen: time,
  /** When it last was complete. */
  completed: time.nullable(),
  headSeq: uint,
})
export type Remote = z.output<typeof remote>

export const remoteAddRequest = z.strictObject({ path: pathText })
export const remoteTestRequest = z.strictObject({
  /** Read every shard there instead of a sample. */
  all: z.boolean().default(false),
})

/** The summary of a job of kind `remote-test`. */
export const remoteTestSummary = z.looseObject({
  remote: z.string(),
  path: z.string(),
  ok: z.boolean(),
  checked: uint,
  bad: z.array(z.object({ shard: z.string(), why: z.enum(['missing', 'corrupt']) })),
  missing: uint,
  writeBytesPerSecond: z.number(),
  readBytesPerSecond: z.number().nullable(),
  syncMs: z.number(),
  free: uint,
  total: uint,
  seconds: z.number(),
})
export type RemoteTestSummary = z.output<typeof remoteTestSummary>

export const seedRequest = z.strictObject({
  /** Absolute path of a directory on the disk to carry. */
  path: pathText,
  peer: peerRef,
})

export const adoptRequest = z.strictObject({ path: pathText })

/** The summary of a job of kind `seed`. */
export const seedSummary = z.looseObject({
  path: z.string(),
  peer: peerId,
  name: z.string().nullable(),
  /** What the seed holds, and what did not fit. */
  shards: uint,
  bytes: uint,
  left: uint,
  /** Receipts that came back with the disk. */
  receipts: uint,
  seconds: z.number(),
})
export type SeedSummary = z.output<typeof seedSummary>

/** The summary of a job of kind `adopt`. */
export const adoptSummary = z.looseObject({
  vault: z.string(),
  shards: uint,
  stored: uint,
  /** Were here before. */
  known: uint,
  bad: z.array(z.object({ shard: z.string(), why: z.enum(['missing', 'corrupt']) })),
  /** Whether the receipts could be left on the disk. */
  receipts: z.boolean(),
  seconds: z.number(),
})
export type AdoptSummary = z.output<typeof adoptSummary>

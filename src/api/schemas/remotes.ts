/** Remotes: directories on a disk or NAS that keep a copy of everything; seeds, which carry shards to a host on a disk. */
import { z } from 'zod'
import { pathText, text, time, uint } from './common.ts'

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

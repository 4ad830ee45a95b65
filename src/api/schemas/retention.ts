/** What is kept of old snapshots: policies. Semantics: docs/BACKUP_SYSTEM.md § Forgetting. */
import * as z from 'zod'
import { snapshotFilter, snapshotRef, time, uint } from './common.ts'
import { job } from './jobs.ts'
import { snapshot } from './snapshots.ts'

/** How many; 0: none, -1: all. */
const keep = z.int().min(-1).max(1_000_000)
/** `1y5m7d2h`: years, months, days, hours before the newest snapshot. */
const span = z.string().regex(/^(\d{1,6}[ymdh]){1,4}$/, 'expected a span like 1y5m7d2h')
const tag = z.string().min(1).max(256)

/** The `--keep-*` values. A snapshot is kept when any of them keeps it; a policy without values keeps everything. */
export const retentionPolicy = z.strictObject({
  keepLast: keep.optional(),
  keepHourly: keep.optional(),
  keepDaily: keep.optional(),
  keepWeekly: keep.optional(),
  keepMonthly: keep.optional(),
  keepYearly: keep.optional(),
  keepWithin: span.optional(),
  keepWithinHourly: span.optional(),
  keepWithinDaily: span.optional(),
  keepWithinWeekly: span.optional(),
  keepWithinMonthly: span.optional(),
  keepWithinYearly: span.optional(),
  /** Keeps what has all tags of one of these lists. */
  keepTags: z.array(z.array(tag).min(1).max(64)).max(64).optional(),
})
export type RetentionPolicy = z.output<typeof retentionPolicy>

export const groupKey = z.enum(['device', 'name', 'paths', 'tags'])

export const forgetRequest = z.strictObject({
  /** These, whatever they are; else by what `keep` or the policy of the source `scope` keeps. */
  snapshots: z.array(snapshotRef).max(1024).default([]),
  keep: retentionPolicy.optional(),
  scope: z.string().min(1).max(256).optional(),
  /** Only these are looked at. */
  filter: snapshotFilter.default({}),
  /** Snapshots alike in these compete for the same counts. */
  groupBy: z.array(groupKey).max(4).default(['device', 'name', 'paths']),
  dryRun: z.boolean().default(false),
  /** Start a prune when something was forgotten; with `dryRun` find out what it would free. */
  prune: z.boolean().default(false),
})
export type ForgetRequest = z.output<typeof forgetRequest>

export const keptSnapshot = snapshot.extend({ reasons: z.array(z.string()), group: z.string() })

/** `freedBytes` is 0 until a prune has run: its job's summary tells. */
export const forgotten = z.object({
  kept: z.array(keptSnapshot),
  removed: z.array(snapshot),
  freedBytes: uint,
  dryRun: z.boolean(),
  job: job.nullable(),
})
export type Forgotten = z.output<typeof forgotten>

export const pruneRequest = z.strictObject({ dryRun: z.boolean().default(false) })
export type PruneRequest = z.output<typeof pruneRequest>

/** Bytes on peers are free after their floor; `waitingFor` names devices that have to learn first what was forgotten. */
export const pruneSummary = z.looseObject({
  dryRun: z.boolean(),
  freedBytes: uint,
  dropped: uint,
  repacked: uint,
  waitingFor: z.array(z.object({ device: z.string(), until: time.nullable() })),
  waitingSnapshots: uint,
  waitingStripes: uint,
  seconds: z.number(),
})
export type PruneSummary = z.output<typeof pruneSummary>

export const gcSummary = z.looseObject({ freedBytes: uint, orphans: uint, indexEntries: uint, seconds: z.number() })
export type GcSummary = z.output<typeof gcSummary>

/** What this vault's backups take. */
export const storage = z.object({
  snapshots: uint,
  /** Forgotten, their data still kept: `prune` frees them. */
  forgotten: uint,
  stripes: uint,
  /** No longer needed, not released yet. */
  waitingStripes: uint,
  /** Sealed shards with their parity and copies, and what they take together. */
  shards: uint,
  bytes: uint,
  /** Waiting here for hosts. */
  queuedBytes: uint,
})
export type Storage = z.output<typeof storage>

/** What is kept of old snapshots: policies. Semantics: docs/BACKUP_SYSTEM.md § Forgetting. */
import { z } from 'zod'

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

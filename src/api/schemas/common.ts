/** Shapes shared by all documents of the API. Bytes are integers, times RFC 3339 UTC, probabilities 0–1 or null. */
import * as z from 'zod'

export const uint = z.int().min(0)
/** RFC 3339 UTC with milliseconds. */
export const time = z.iso.datetime()
export const probability = z.number().min(0).max(1).nullable()
/** Text given by a person or the system, bounded. */
export const text = z.string().max(4096)
export const pathText = z.string().min(1).max(32_768)
/** 32 bytes as hex: shard, stripe and vault ids. */
export const hexId = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
/** A peer id, or the name it is known by. */
export const peerRef = z.string().min(1).max(128)
/** A snapshot id, an unambiguous start of one, or `latest`. */
export const snapshotRef = z.string().min(1).max(128)
export const flag = z.stringbool()
export const none = z.strictObject({})

export const peerId = z.string().min(1).max(128)

/** The query of every list. `cursor` is the `next` of the page before. */
export const page = z.strictObject({
  cursor: z.string().min(1).max(4096).optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
})
export type Page = z.output<typeof page>

/** A snapshot, or the newest one that matches `latest` and these filters. */
export const snapshotFilter = z.strictObject({
  tag: z.string().min(1).max(256).optional(),
  path: pathText.optional(),
  name: z.string().min(1).max(256).optional(),
  device: z.string().min(1).max(128).optional(),
})
export type SnapshotFilter = z.output<typeof snapshotFilter>

export const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() })

export const done = z.object({ ok: z.literal(true) })

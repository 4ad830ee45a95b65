/** Frames of `events/ws`, and how a failure is told. Spec: docs/API.md */
import * as z from 'zod'
import * as common from './common.ts'
import * as jobs from './jobs.ts'
import * as system from './system.ts'

/** First frames of `events/ws`. TCP callers without an Authorization header authenticate in it. */
export const socketHello = z.strictObject({
  token: z.string().max(512).optional(),
  /** Follow one job, else the daemon's events. */
  job: z.string().min(1).max(128).optional(),
  since: common.uint.default(0),
})
export type SocketHello = z.input<typeof socketHello>

/** Frames the server sends. `end` is the last one; the socket is closed after it. */
export const socketFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), seq: common.uint, time: common.time, event: jobs.jobEvent }),
  z.object({ type: z.literal('event'), event: system.event }),
  z.object({ type: z.literal('end'), job: jobs.job.nullable() }),
  z.object({ type: z.literal('problem'), problem: z.looseObject({ code: z.string(), detail: z.string() }) }),
])
export type SocketFrame = z.output<typeof socketFrame>

/** RFC 9457. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: common.uint,
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  remedy: z.string(),
  details: z.looseObject({}),
  correlation_id: z.string(),
})
export type Problem = z.output<typeof problem>

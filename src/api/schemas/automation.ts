/** What the daemon does by itself: sources, schedules, policies, and who is told. Spec: docs/AUTOMATION.md */
import * as z from 'zod'
import { text, time, uint } from './common.ts'
import { backupRequest } from './jobs.ts'
import { retentionPolicy } from './retention.ts'

/** A scope that is no source: what holds where a source has no policy of its own, and for a vault without sources. */
export const DEFAULT_SCOPE = 'default'

const DAY_MS = 86_400_000

export const sourceName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{C}/]+$/u, 'expected a name without slashes and control characters')
  .refine(
    (name) => name !== DEFAULT_SCOPE && name.trim() === name,
    'this name is reserved or begins or ends with a space',
  )

/** What is backed up and how: a backup's request without what belongs to one run of it. */
export const sourceDefinition = backupRequest.omit({
  name: true,
  source: true,
  stdin: true,
  dryRun: true,
  forceRead: true,
  local: true,
})
export type SourceDefinition = z.output<typeof sourceDefinition>

export const sourceRequest = sourceDefinition.extend({
  name: sourceName,
  /** Take the place of the definition of that name. */
  replace: z.boolean().default(false),
})
export type SourceRequest = z.output<typeof sourceRequest>

export const source = z.object({
  name: z.string(),
  definition: sourceDefinition,
  created: time,
  /** Newest snapshot of this device under this name. */
  lastBackup: time.nullable(),
  lastSnapshot: z.string().nullable(),
  /** It is being backed up now. */
  running: z.boolean(),
  schedules: uint,
  nextRun: time.nullable(),
})
export type Source = z.output<typeof source>

/** What holds for a source, or with scope `default` where a source says nothing and for a vault without sources. */
export const policy = z.strictObject({
  /** Which snapshots `forget` keeps. */
  keep: retentionPolicy.optional(),
  /** An alarm is raised when the newest backup is older; 0: never. Start: 7 days. */
  backupEveryMs: z
    .int()
    .min(0)
    .max(3_650 * DAY_MS)
    .optional(),
})
export type Policy = z.output<typeof policy>

/** `policy` is what was set for the scope, `effective` what holds with the defaults. */
export const policyView = z.object({ scope: z.string(), policy, effective: policy })
export type PolicyView = z.output<typeof policyView>

export const runState = z.enum(['running', 'ok', 'partial', 'failed', 'cancelled', 'skipped'])
export type RunState = z.output<typeof runState>

/** One run of a schedule. It ends when the snapshot is safe on this machine; placing goes on in its job. */
export const run = z.object({
  state: runState,
  /** The time the expression named; null when it was asked for. */
  slot: time.nullable(),
  begun: time,
  ended: time.nullable(),
  job: z.string().nullable(),
  snapshot: z.string().nullable(),
  code: z.string().nullable(),
  text: text.nullable(),
  /** The job that forgot old snapshots afterwards. */
  tidy: z.string().nullable(),
})
export type Run = z.output<typeof run>

const zone = z.string().min(1).max(64)

export const scheduleRequest = z.strictObject({
  source: sourceName,
  /** Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  cron: z.string().min(1).max(128),
  /** IANA name; absent: that of the daemon's machine. */
  zone: zone.optional(),
  /** Each run begins up to this much later, by chance. */
  jitterMs: z.int().min(0).max(DAY_MS).default(0),
  /** After a run that ended well: apply the source's policy, and free what that leaves unused. */
  afterwards: z.enum(['nothing', 'forget', 'prune']).default('nothing'),
  paused: z.boolean().default(false),
})
export type ScheduleRequest = z.output<typeof scheduleRequest>

export const scheduleChange = z.strictObject({ paused: z.boolean() })

export const schedule = z.object({
  id: z.string(),
  source: z.string(),
  cron: z.string(),
  zone: z.string(),
  jitterMs: uint,
  afterwards: z.enum(['nothing', 'forget', 'prune']),
  paused: z.boolean(),
  created: time,
  /** Null while paused. */
  nextRun: time.nullable(),
  lastRun: run.nullable(),
})
export type Schedule = z.output<typeof schedule>
/** With its newest runs, newest first. */
export const scheduleDetail = schedule.extend({ runs: z.array(run) })
export type ScheduleDetail = z.output<typeof scheduleDetail>

export const targetWants = z.enum(['alarms', 'runs', 'all'])
export const targetName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of letters, digits, dots, dashes')

const secret = z.string().min(16).max(256)
export const webhookRequest = z.strictObject({
  name: targetName,
  url: z.string().min(1).max(2048),
  /** Signs every message; absent: one is made and answered once. */
  secret: secret.optional(),
  wants: targetWants.default('alarms'),
})
export type WebhookRequest = z.output<typeof webhookRequest>

export const notificationRequest = z.strictObject({
  name: targetName,
  /** Program and arguments; no shell. It gets the message as JSON on standard input. */
  command: z.array(z.string().max(4096)).min(1).max(64),
  wants: targetWants.default('alarms'),
})
export type NotificationRequest = z.output<typeof notificationRequest>

export const target = z.object({
  name: z.string(),
  kind: z.enum(['webhook', 'command']),
  /** The host of a webhook (its path may be a secret), the program of a command. */
  address: z.string(),
  wants: targetWants,
  created: time,
  /** Messages that wait for delivery. */
  waiting: uint,
  lastDelivered: time.nullable(),
  /** Why the newest attempt failed; null once one succeeded. */
  lastError: text.nullable(),
})
export type Target = z.output<typeof target>
/** `secret` is answered here alone. */
export const newWebhook = target.extend({ secret: z.string() })
export type NewWebhook = z.output<typeof newWebhook>

export const targetTest = z.object({ name: z.string(), ok: z.boolean(), text })
export type TargetTest = z.output<typeof targetTest>

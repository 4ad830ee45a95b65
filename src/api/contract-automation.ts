/** The part of the contract about what the daemon does by itself. Spec: docs/AUTOMATION.md */
import * as z from 'zod'
import * as automation from './schemas/automation.ts'
import * as common from './schemas/common.ts'
import * as jobs from './schemas/jobs.ts'

const byId = z.strictObject({ id: z.string().min(1).max(128) })
const bySource = z.strictObject({ id: automation.sourceName })
const byScope = z.strictObject({ scope: z.string().min(1).max(64) })
const byTarget = z.strictObject({ id: automation.targetName })

/** Who reads a source sees its command, which may hold more than a viewer is to know. */
export const automationContract = {
  sources: {
    role: 'operator',
    summary: 'What is backed up again and again',
    query: common.page,
    response: automation.source,
  },
  sourceAdd: {
    role: 'admin',
    summary: 'Define a source',
    body: automation.sourceRequest,
    response: automation.source,
  },
  source: {
    role: 'operator',
    summary: 'One source',
    params: bySource,
    query: common.none,
    response: automation.source,
  },
  sourceRemove: {
    role: 'admin',
    summary: 'Forget a source with its schedules and policy; snapshots stay',
    params: bySource,
    body: common.none.nullable(),
    response: common.done,
  },
  sourceEstimate: {
    role: 'operator',
    summary: 'Read and count, store nothing',
    params: bySource,
    body: common.none.nullable(),
    response: jobs.job,
  },
  schedules: { role: 'viewer', summary: 'When what is backed up', query: common.page, response: automation.schedule },
  scheduleAdd: {
    role: 'operator',
    summary: 'Back up a source by a cron expression',
    body: automation.scheduleRequest,
    response: automation.schedule,
  },
  schedule: {
    role: 'viewer',
    summary: 'One schedule with its newest runs',
    params: byId,
    query: common.none,
    response: automation.scheduleDetail,
  },
  scheduleChange: {
    role: 'operator',
    summary: 'Pause or resume',
    params: byId,
    body: automation.scheduleChange,
    response: automation.schedule,
  },
  scheduleRemove: {
    role: 'operator',
    summary: 'Remove a schedule',
    params: byId,
    body: common.none.nullable(),
    response: common.done,
  },
  scheduleRun: {
    role: 'operator',
    summary: 'Run it now, whatever its plan',
    params: byId,
    body: common.none.nullable(),
    response: jobs.job,
  },
  policy: {
    role: 'viewer',
    summary: 'What is kept, and when an alarm is raised',
    params: byScope,
    query: common.none,
    response: automation.policyView,
  },
  policySet: {
    role: 'admin',
    summary: 'Set the policy of a source, or `default`',
    params: byScope,
    body: automation.policy,
    response: automation.policyView,
  },
  notifications: { role: 'viewer', summary: 'Who is told', query: common.page, response: automation.target },
  notificationAdd: {
    role: 'admin',
    summary: 'Tell a local command',
    body: automation.notificationRequest,
    response: automation.target,
  },
  notificationRemove: {
    role: 'admin',
    summary: 'Tell it no longer',
    params: byTarget,
    body: common.none.nullable(),
    response: common.done,
  },
  notificationTest: {
    role: 'operator',
    summary: 'Send a test message now',
    params: byTarget,
    body: common.none.nullable(),
    response: automation.targetTest,
  },
  webhooks: { role: 'viewer', summary: 'Webhooks alone', query: common.page, response: automation.target },
  webhookAdd: {
    role: 'admin',
    summary: 'Tell a webhook',
    body: automation.webhookRequest,
    response: automation.newWebhook,
  },
} as const

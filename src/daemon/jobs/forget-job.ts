/**
 * Forgetting by the policy of a source as a job: what schedules do after a backup. Only snapshots of this device count; the
 * others see to their own.
 */
import type { Job, RetentionPolicy } from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'

export interface ForgetJobRequest {
  readonly source: string
  /** Then free what that leaves unused. */
  readonly prune: boolean
}

export interface ForgetJobDeps {
  readonly engine: Pick<engine.BackupEngine, 'forget'>
  /** This one. */
  readonly device: string
  /** What holds for a source; undefined: everything is kept. */
  readonly keepOf: (source: string) => RetentionPolicy | undefined
  readonly prune: () => Promise<Job>
}

export class ForgetJob implements JobHandler {
  readonly #deps: ForgetJobDeps

  constructor(deps: ForgetJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { source, prune } = context.request as ForgetJobRequest
    const { engine, device, keepOf } = this.#deps
    const keep = keepOf(source)
    if (keep === undefined || Object.keys(knownPolicy(keep)).length === 0)
      return { summary: { kept: null, removed: [], prune: null }, pending: false }
    const filter = { name: source, device }
    const { kept, removed } = engine.forget({ policy: knownPolicy(keep), filter, timeZone: localZone() })
    const job = prune && removed.length > 0 ? await this.#deps.prune() : null
    const summary = { kept: kept.length, removed: removed.map(({ id }) => id), prune: job?.id ?? null }
    return { summary, pending: false }
  }
}

/** Without fields that are there but undefined. */
export function knownPolicy(policy: RetentionPolicy): engine.RetentionPolicy {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined))
}

/** Days end when they end for people here. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** A restore as a job. Run again after a restart it goes on: what is there and intact is left alone. */
import type { RestoreRequest, RestoreSummary } from '../../api/index.ts'
import type { BackupEngine, RestorePlan } from '../../backup/index.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { noteEvent, progressEvent } from './translate.ts'

export interface RestoreJobRequest extends RestoreRequest {
  readonly snapshot: string
}

export class RestoreJob implements JobHandler {
  readonly #deps: { engine: Pick<BackupEngine, 'restore'>; nameOf: (peer: string) => string | null }

  constructor(deps: { engine: Pick<BackupEngine, 'restore'>; nameOf: (peer: string) => string | null }) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { snapshot, filter, path, to, overwrite, fullPaths, verify, first, plan } =
      context.request as RestoreJobRequest
    const request = { snapshot, filter: defined(filter), to, overwrite, fullPaths, verify, plan, ...defined({ first }) }
    let summary: RestoreSummary | undefined
    const events = this.#deps.engine.restore(path === undefined ? request : { ...request, path }, context.signal)
    for await (const event of events) {
      if (event.type === 'progress') context.emit(progressEvent('restoring', event))
      else if (event.type === 'note') context.emit(noteEvent(event, this.#deps.nameOf))
      else {
        const { type: _, plan: planned, ...fields } = event
        summary = {
          ...fields,
          failed: [...fields.failed],
          ...(planned === undefined ? {} : { plan: this.#named(planned) }),
        }
      }
    }
    if (summary === undefined) throw new Error('a restore without a summary')
    return { summary, pending: false }
  }

  #named(plan: RestorePlan): NonNullable<RestoreSummary['plan']> {
    return { ...plan, hosts: plan.hosts.map((host) => ({ ...host, name: this.#deps.nameOf(host.peer) })) }
  }
}

/** Without the fields that are there but undefined. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

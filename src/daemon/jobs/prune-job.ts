/**
 * A prune as a job: it frees what may be freed now, then waits until the other devices know what was forgotten and frees
 * the rest. Run again after a restart it goes on.
 */
import type { PruneSummary } from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import { HOUR, isoTime, type Clock } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { noteEvent, progressEvent } from './translate.ts'

export interface PruneJobDeps {
  readonly engine: Pick<engine.BackupEngine, 'prune'>
  readonly nameOf: (peer: string) => string | null
  readonly clock: Clock
}

/** How often other devices' heads are looked at while they are waited for. */
const LOOK_AGAIN_MS = HOUR

export class PruneJob implements JobHandler {
  readonly #deps: PruneJobDeps

  constructor(deps: PruneJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const summary = await this.#prune(context)
    const pending = !summary.dryRun && summary.waitingFor.length > 0
    if (pending) context.emit({ ...summary, type: 'saved' })
    return { summary, pending }
  }

  async settle(context: JobContext, reached: Summary): Promise<Summary> {
    let summary = reached as PruneSummary
    while (summary.waitingFor.length > 0) {
      await this.#deps.clock.sleep(LOOK_AGAIN_MS, context.signal)
      summary = await this.#again(context, summary)
    }
    return summary
  }

  /** Freed bytes add up. Hosts that are away now are asked again next time. */
  async #again(context: JobContext, before: PruneSummary): Promise<PruneSummary> {
    try {
      const now = await this.#prune(context)
      const summary = { ...now, freedBytes: before.freedBytes + now.freedBytes, seconds: before.seconds + now.seconds }
      context.emit({ ...summary, type: 'saved' })
      return summary
    } catch (error) {
      context.signal.throwIfAborted()
      const { code, message } = toPlexiError(error)
      context.emit({ type: 'note', level: 'warning', text: message, code })
      return before
    }
  }

  async #prune(context: JobContext): Promise<PruneSummary> {
    let summary: PruneSummary | undefined
    for await (const event of this.#deps.engine.prune(context.request as engine.PruneRequest, context.signal)) {
      if (event.type === 'progress') context.emit(progressEvent(event.phase, event))
      else if (event.type === 'note') context.emit(noteEvent(event, this.#deps.nameOf))
      else summary = apiSummary(event)
    }
    if (summary === undefined) throw new Error('a prune without a summary')
    return summary
  }
}

function apiSummary({ type: _, waitingFor, ...fields }: engine.PruneSummary): PruneSummary {
  const waiting = waitingFor.map(({ device, until }) => ({ device, until: until === null ? null : isoTime(until) }))
  return { ...fields, waitingFor: waiting }
}

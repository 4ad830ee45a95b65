/** Forgetting and freeing over the API. */
import type {
  Forgotten,
  ForgetRequest,
  Job,
  PruneRequest,
  RetentionService,
  Snapshot,
  Storage,
} from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import { PlexiError } from '../../base/errors.ts'
import { knownPolicy, localZone } from '../jobs/forget-job.ts'
import type { JobRunner } from '../jobs/runner.ts'
import { submitPrune } from '../jobs/submit-prune.ts'
import { DEFAULT_SCOPE, type SourceBook } from '../schedule/source-book.ts'
import { knownFilter } from './snapshots.ts'

export interface RetentionDeps {
  readonly engine: engine.BackupEngine
  readonly jobs: JobRunner
  readonly sources: SourceBook
  /** As the API shows them. */
  readonly show: (infos: readonly engine.SnapshotInfo[]) => Snapshot[]
}

export class Retention implements RetentionService {
  readonly #deps: RetentionDeps

  constructor(deps: RetentionDeps) {
    this.#deps = deps
  }

  async forget(request: ForgetRequest): Promise<Forgotten> {
    const { snapshots, filter, groupBy, dryRun } = request
    const { show } = this.#deps
    const { kept, removed } = this.#deps.engine.forget({
      ...{ snapshots, groupBy, dryRun, filter: knownFilter({ ...filter, ...this.#only(request) }) },
      ...this.#rule(request),
      timeZone: localZone(),
    })
    const without = dryRun ? removed.map(({ id }) => id) : []
    return {
      kept: show(kept.map(({ snapshot }) => snapshot)).map((snapshot, i) => {
        return { ...snapshot, reasons: [...(kept[i]?.reasons ?? [])], group: kept[i]?.group ?? '' }
      }),
      removed: show(removed),
      freedBytes: 0,
      dryRun,
      job: request.prune && removed.length > 0 ? await submitPrune(this.#deps.jobs, { dryRun, without }) : null,
    }
  }

  prune({ dryRun }: PruneRequest): Promise<Job> {
    return submitPrune(this.#deps.jobs, { dryRun })
  }

  async gc(): Promise<Job> {
    return this.#deps.jobs.submit('gc', { title: 'clean up', request: {} })
  }

  async storage(): Promise<Storage> {
    return { ...this.#deps.engine.storage() }
  }

  /** What is said, or what holds for the source that is named. */
  #rule({ keep, scope }: ForgetRequest): { policy?: engine.RetentionPolicy } {
    if (scope === undefined) return keep === undefined ? {} : { policy: knownPolicy(keep) }
    if (keep !== undefined)
      throw new PlexiError('VALIDATION_USAGE', { reason: 'give either the policy of a source or --keep-*, not both' })
    const stored = this.#deps.sources.policy(scope).keep
    if (stored === undefined) throw new PlexiError('STORAGE_NOT_FOUND', { what: `policy for ${scope}` })
    return { policy: knownPolicy(stored) }
  }

  /** The policy of a source is about its own snapshots. */
  #only({ scope }: ForgetRequest): { name?: string } {
    return scope === undefined || scope === DEFAULT_SCOPE ? {} : { name: scope }
  }
}

/** Sources and policies over the API. */
import type { Job, Policy, PolicyView, Source, SourceRequest, SourceService } from '../../api/index.ts'
import type { BackupEngine, SnapshotMark } from '../../backup/index.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { JobRunner } from '../jobs/runner.ts'
import { checkSelection } from '../jobs/selection.ts'
import { submitBackup } from '../jobs/submit-backup.ts'
import type { ScheduleStore } from '../schedule/schedule-store.ts'
import { DEFAULT_SCOPE, type SourceBook } from '../schedule/source-book.ts'
import type { SourceRow, SourceStore } from '../schedule/source-store.ts'
import { newestOf } from '../alarms/newest.ts'

export interface SourceDeskDeps {
  readonly store: SourceStore
  readonly book: SourceBook
  readonly schedules: ScheduleStore
  readonly jobs: JobRunner
  readonly engine: Pick<BackupEngine, 'history'>
  /** This one: another device's backups under the same name are its own. */
  readonly device: string
  readonly clock: Clock
  /** A policy or a source changed: alarms may. */
  readonly changed: () => void
}

export class SourceDesk implements SourceService {
  readonly #deps: SourceDeskDeps

  constructor(deps: SourceDeskDeps) {
    this.#deps = deps
  }

  list(): Source[] {
    const newest = newestOf(this.#deps.engine.history(), this.#deps.device)
    return this.#deps.store.list().map((row) => this.#view(row, newest))
  }

  async get(name: string): Promise<Source> {
    return this.#one(this.#deps.store.get(name))
  }

  async add({ name, replace, ...definition }: SourceRequest): Promise<Source> {
    const { store, clock, changed } = this.#deps
    if (!replace && store.find(name) !== undefined) throw new PlexiError('STORAGE_EXISTS', { what: `source ${name}` })
    checkSelection(definition)
    store.put({ name, definition, created: clock.now() })
    changed()
    return this.#one(store.get(name))
  }

  async remove(name: string): Promise<void> {
    this.#deps.store.remove(this.#deps.store.get(name).name)
    this.#deps.changed()
  }

  async estimate(name: string): Promise<Job> {
    const asked = { source: name, paths: [], tags: [], exclude: [], local: false, dryRun: true, forceRead: false }
    return submitBackup({ jobs: this.#deps.jobs, sources: this.#deps.book }, asked)
  }

  async policy(scope: string): Promise<PolicyView> {
    if (scope !== DEFAULT_SCOPE) this.#deps.store.get(scope)
    return { scope, policy: this.#deps.store.policy(scope), effective: this.#deps.book.policy(scope) }
  }

  async setPolicy(scope: string, policy: Policy): Promise<PolicyView> {
    if (scope !== DEFAULT_SCOPE) this.#deps.store.get(scope)
    this.#deps.store.setPolicy(scope, policy)
    this.#deps.changed()
    return await this.policy(scope)
  }

  #one(row: SourceRow): Source {
    return this.#view(row, newestOf(this.#deps.engine.history(), this.#deps.device))
  }

  #view({ name, definition, created }: SourceRow, newest: ReadonlyMap<string, SnapshotMark>): Source {
    const { schedules, book } = this.#deps
    const own = schedules.list().filter(({ source }) => source === name)
    const next = own.filter(({ paused }) => !paused).map(({ due }) => due)
    const last = newest.get(name)
    return {
      ...{ name, definition },
      created: isoTime(created),
      lastBackup: last === undefined ? null : isoTime(last.time),
      lastSnapshot: last?.id ?? null,
      running: book.running(name) !== undefined,
      schedules: own.length,
      nextRun: next.length === 0 ? null : isoTime(Math.min(...next)),
    }
  }
}

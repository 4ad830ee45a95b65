/** What the daemon does by itself, put together: schedules, alarms, and telling others of them. */
import type { Database } from 'better-sqlite3'
import { definitionReader, type Job } from '../api/index.ts'
import type { BackupEngine } from '../backup/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { counted } from '../base/text.ts'
import { AlarmDesk } from './alarms/alarm-desk.ts'
import { AlarmStore } from './alarms/alarm-store.ts'
import { backupConditions } from './alarms/backup-conditions.ts'
import type { OutboxWatch } from './alarms/outbox-watch.ts'
import { placementConditions, type PlacementCauses } from './alarms/placement-conditions.ts'
import { remoteConditions } from './alarms/remote-conditions.ts'
import type { EventHub } from './event-hub.ts'
import type { JobRunner } from './jobs/runner.ts'
import { submitBackup } from './jobs/submit-backup.ts'
import { Notifier } from './notify/notifier.ts'
import { notifyDefaults } from './notify/options.ts'
import { TargetStore } from './notify/target-store.ts'
import { ScheduleStore, type RunRow, type ScheduleRow } from './schedule/schedule-store.ts'
import { Scheduler } from './schedule/scheduler.ts'
import { DEFAULT_SCOPE, SourceBook } from './schedule/source-book.ts'
import { SourceStore } from './schedule/source-store.ts'
import { apiRun } from './services/schedules.ts'
import type { Condition } from './status/alarms.ts'
import { httpPost, runProgram } from './system/outside.ts'

export interface AutomationDeps extends Omit<PlacementCauses, 'engine'> {
  readonly database: Database
  readonly engine: BackupEngine
  readonly jobs: JobRunner
  readonly events: EventHub
  readonly outbox: OutboxWatch
  /** This one. */
  readonly device: string
  /** How it is called, for messages. */
  readonly sender: () => { readonly device: string; readonly vault: string }
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export class Automation implements Service {
  readonly sources: SourceStore
  readonly book: SourceBook
  readonly schedules: ScheduleStore
  readonly scheduler: Scheduler
  readonly targets: TargetStore
  readonly notifier: Notifier
  readonly alarms: AlarmDesk
  readonly #deps: AutomationDeps

  static async open(deps: AutomationDeps): Promise<Automation> {
    return new Automation(deps, new SourceStore(deps.database, await definitionReader()))
  }

  private constructor(deps: AutomationDeps, sources: SourceStore) {
    const { database, jobs } = deps
    this.#deps = deps
    this.sources = sources
    this.book = new SourceBook({ sources, unended: () => jobs.unended() })
    this.schedules = new ScheduleStore(database)
    this.targets = new TargetStore(database)
    this.notifier = new Notifier(notifyDefaults, {
      ...{ ...deps, store: this.targets, post: httpPost, run: runProgram },
      changed: () => this.alarms.kick(),
    })
    this.alarms = new AlarmDesk({
      ...{ ...deps, shelf: new AlarmStore(database) },
      tell: (type, alarm, about) =>
        this.notifier.tell({ type, alarm }, alarm.code === 'SYSTEM_NOTIFY_FAILED' ? about : undefined),
      causes: [
        () => placementConditions(deps),
        () => remoteConditions(deps),
        () => deps.outbox.condition(deps.people.eligible().length),
        () => this.#backupConditions(),
        () => this.notifier.conditions(),
        () => unrecorded(jobs),
      ],
    })
    this.scheduler = new Scheduler({
      ...{ ...deps, schedules: this.schedules },
      backup: (source) => this.#backup(source),
      running: (source) => this.book.running(source),
      forget: (source, prune) =>
        jobs.submit('forget', { title: `forget old snapshots of ${source}`, request: { source, prune } }),
      ended: (schedule, run) => this.#runEnded(schedule, run),
    })
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start()
    this.#deps.jobs.listen(() => this.alarms.kick())
  }

  async stop(): Promise<void> {
    for (const part of this.#parts.toReversed()) await part.stop()
  }

  get #parts(): readonly Service[] {
    return [this.notifier, this.alarms, this.scheduler]
  }

  #backup(source: string): Job {
    const request = {
      source,
      paths: [],
      tags: [],
      exclude: [],
      local: false,
      dryRun: false,
      forceRead: false,
      unattended: true,
    }
    return submitBackup({ jobs: this.#deps.jobs, sources: this.book }, request)
  }

  #runEnded({ id, source }: ScheduleRow, run: RunRow): void {
    this.notifier.tell({ type: 'run.ended', schedule: id, source, run: apiRun(run) })
    this.alarms.kick()
  }

  #backupConditions(): Condition[] {
    const { engine, clock, device } = this.#deps
    const { sources, book, schedules } = this
    return backupConditions({
      ...{ device, now: clock.now(), snapshots: engine.history() },
      sources: sources.list().map(({ name, created }) => ({ name, created, ...book.policy(name) })),
      defaultEveryMs: book.policy(DEFAULT_SCOPE).backupEveryMs,
      runs: schedules.list().flatMap(({ number, source }) => {
        const run = schedules.lastEnded(number)
        return run === undefined ? [] : [{ ...run, source, state: run.state as 'ok' | 'partial' | 'failed' }]
      }),
    })
  }
}

/** Jobs whose end is not written down yet. */
function unrecorded(jobs: JobRunner): Condition[] {
  const { unrecorded: failure } = jobs
  if (failure === undefined) return []
  const { code, details, message } = failure.error
  return [{ code, details, text: `${counted(failure.jobs, 'job')} could not be written to jobs.db: ${message}` }]
}

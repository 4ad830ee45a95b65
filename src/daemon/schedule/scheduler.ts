/**
 * Starts backups when their time has come. Spec: docs/AUTOMATION.md § Schedules. Invariants: a run is written down with
 * the plan of the next one before its job is made, so a crash repeats none and loses none; of one source no two run.
 */
import type { Job, RunState } from '../../api/index.ts'
import { deadline, SECOND, type Clock } from '../../base/clock.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { Service } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { JobRow } from '../jobs/store.ts'
import { Waiters } from '../waiters.ts'
import { cronTimes } from './cron.ts'
import { planAfter, verdictOn, type Plan } from './plan.ts'
import { runEndOf } from './run-end.ts'
import type { RunRow, ScheduleRow, ScheduleStore } from './schedule-store.ts'

export interface SchedulerDeps {
  readonly schedules: ScheduleStore
  readonly jobs: {
    /** Undefined where the job is forgotten. */
    find(id: string): JobRow | undefined
    listen(listener: (row: JobRow) => void): () => void
  }
  /** Makes the job of a source's backup. Throws `SYSTEM_BUSY`. */
  readonly backup: (source: string) => Job
  readonly running: (source: string) => JobRow | undefined
  /** Forgets by the source's policy. */
  readonly forget?: (source: string, prune: boolean) => Job
  readonly ended: (schedule: ScheduleRow, run: RunRow) => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** Timers stand still while a machine sleeps and wall clocks jump: never wait longer for a time on the wall. */
const LOOK_MS = 30 * SECOND

export class Scheduler implements Service {
  readonly #deps: SchedulerDeps
  readonly #control = new AbortController()
  readonly #kicks = new Waiters()
  #unlisten: (() => void) | undefined
  #done: Promise<void> = Promise.resolve()

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    const { schedules, jobs } = this.#deps
    // Cut off between writing the run down and making its job.
    for (const run of schedules.running()) if (run.job === null) schedules.undo(run)
    this.#unlisten = jobs.listen(() => this.kick())
    this.#done = this.#run(this.#control.signal)
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Something changed: look again. */
  kick(): void {
    this.#kicks.wake()
  }

  /** The plan of a schedule made or resumed now. What was missed before is not made up for. Throws `VALIDATION_USAGE`. */
  plan({ cron, zone, jitter }: Pick<ScheduleRow, 'cron' | 'zone' | 'jitter'>): Plan {
    const { clock, random } = this.#deps
    return planAfter(cronTimes(cron, zone), clock.now(), { ms: jitter, chance: (below) => random.below(below) })
  }

  /** Now, whatever its plan; the plan stays. Throws `SYSTEM_BUSY`. */
  runNow(schedule: ScheduleRow): Job {
    const { schedules, clock } = this.#deps
    const run = schedules.begin({ schedule: schedule.number, slot: null, begun: clock.now() }, undefined)
    try {
      return this.#makeJob(schedule, run)
    } catch (error) {
      schedules.undo(run)
      throw error
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = this.#review()
      const limit = deadline(this.#deps.clock, wait, signal)
      await this.#kicks.wait(limit.signal)
      limit.clear()
    }
  }

  /** Milliseconds until there is something to do. A disk that is full today may not be so tomorrow: nothing ends the loop. */
  #review(): number {
    const { schedules, clock, log } = this.#deps
    const attempt = (work: () => void): boolean => {
      try {
        work()
        return true
      } catch (error) {
        log.warn('a schedule could not be looked after', { error: toPlexiError(error) })
        return false
      }
    }
    const closed = schedules.running().map((run) => attempt(() => this.#close(run)))
    const active = schedules.list().filter(({ paused }) => !paused)
    const considered = active.map((schedule) => attempt(() => this.#consider(schedule)))
    const failed = [...closed, ...considered].includes(false)
    const next = Math.min(...schedules.list().flatMap(({ paused, due }) => (paused ? [] : [due])))
    return failed ? LOOK_MS : Math.max(SECOND, Math.min(LOOK_MS, next - clock.now()))
  }

  #consider(schedule: ScheduleRow): void {
    const { schedules, clock, running, log } = this.#deps
    const now = clock.now()
    const verdict = verdictOn(schedule, now)
    if (verdict === 'wait') return
    const next = this.plan(schedule)
    if (verdict === 'plan again') {
      log.warn('the clock was set back: a schedule is planned anew', { schedule: schedule.id })
      schedules.plan(schedule.number, next, false)
      return
    }
    const run = schedules.begin({ schedule: schedule.number, slot: schedule.slot, begun: now }, next)
    const before = running(schedule.source)
    if (before === undefined) this.#attempt(schedule, run)
    else this.#end(schedule, run, { state: 'skipped', text: `the backup before it still ran: job ${before.id}` })
  }

  #attempt(schedule: ScheduleRow, run: RunRow): void {
    try {
      this.#makeJob(schedule, run)
    } catch (error) {
      const { code, message } = toPlexiError(error)
      this.#end(schedule, run, { state: 'failed', code, text: message })
    }
  }

  #makeJob(schedule: ScheduleRow, run: RunRow): Job {
    const job = this.#deps.backup(schedule.source)
    this.#deps.schedules.setJob(run.number, job.id)
    this.#deps.log.info('a scheduled backup begins', { schedule: schedule.id, source: schedule.source, job: job.id })
    return job
  }

  /** Ends a run whose job has made its snapshot, or will not. */
  #close(run: RunRow): void {
    const { schedules, jobs, clock } = this.#deps
    if (run.job === null) return
    const end = runEndOf(jobs.find(run.job), clock.now())
    const schedule = schedules.list().find(({ number }) => number === run.schedule)
    if (end === undefined || schedule === undefined) return
    const ended = this.#end(schedule, run, end)
    if (ended.state === 'ok' && schedule.afterwards !== 'nothing') this.#tidy(schedule, ended)
  }

  #end(schedule: ScheduleRow, run: RunRow, end: { state: RunState } & Partial<RunRow>): RunRow {
    const { schedules, clock, ended, log } = this.#deps
    const { state, snapshot = null, code = null, text = null } = end
    const row = schedules.end(run.number, { state, ended: end.ended ?? clock.now(), snapshot, code, text })
    log.info('a scheduled backup ended', { schedule: schedule.id, source: schedule.source, state, code })
    ended(schedule, row)
    return row
  }

  #tidy(schedule: ScheduleRow, run: RunRow): void {
    const { schedules, forget, log } = this.#deps
    if (forget === undefined) return
    try {
      schedules.setTidy(run.number, forget(schedule.source, schedule.afterwards === 'prune').id)
    } catch (error) {
      if (!(error instanceof PlexiError)) throw error
      log.warn('nothing was forgotten after a backup', { schedule: schedule.id, error })
    }
  }
}

/** Schedules over the API. */
import type { Job, Run, Schedule, ScheduleDetail, ScheduleRequest, ScheduleService } from '../../api/index.ts'
import { toHex } from '../../base/bytes.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { NEVER, ownZone } from '../schedule/cron.ts'
import type { RunRow, ScheduleRow, ScheduleStore } from '../schedule/schedule-store.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import type { SourceStore } from '../schedule/source-store.ts'

export interface ScheduleDeskDeps {
  readonly schedules: ScheduleStore
  readonly sources: SourceStore
  readonly scheduler: Pick<Scheduler, 'plan' | 'runNow' | 'kick'>
  readonly clock: Clock
  readonly random: Random
}

const ID_BYTES = 4
const MAX_SCHEDULES = 1_000

export class ScheduleDesk implements ScheduleService {
  readonly #deps: ScheduleDeskDeps

  constructor(deps: ScheduleDeskDeps) {
    this.#deps = deps
  }

  list(): Schedule[] {
    return this.#deps.schedules.list().map((row) => this.#view(row))
  }

  async get(id: string): Promise<ScheduleDetail> {
    const row = this.#deps.schedules.get(id)
    return { ...this.#view(row), runs: this.#deps.schedules.runs(row.number, SHOWN_RUNS).map(apiRun) }
  }

  async add(request: ScheduleRequest): Promise<Schedule> {
    const { schedules, sources, scheduler, clock, random } = this.#deps
    const { source, cron, zone = ownZone(), jitterMs: jitter, afterwards, paused } = request
    sources.get(source)
    if (schedules.list().length >= MAX_SCHEDULES)
      throw new PlexiError('VALIDATION_LIMIT', { what: 'the number of schedules', limit: MAX_SCHEDULES })
    const plan = scheduler.plan({ cron, zone, jitter })
    if (plan.slot === NEVER) throw new PlexiError('VALIDATION_USAGE', { reason: `"${cron}" names no time at all` })
    const id = toHex(random.bytes(ID_BYTES))
    const fixed = { id, source, cron, zone, jitter, afterwards, paused, created: clock.now() }
    const row = schedules.add({ ...fixed, ...plan })
    scheduler.kick()
    return this.#view(row)
  }

  /** Resuming plans anew: what was missed on purpose is not made up for. */
  async pause(id: string, paused: boolean): Promise<Schedule> {
    const { schedules, scheduler } = this.#deps
    const row = schedules.get(id)
    schedules.plan(row.number, row.paused && !paused ? scheduler.plan(row) : row, paused)
    scheduler.kick()
    return this.#view(schedules.get(row.id))
  }

  async remove(id: string): Promise<void> {
    this.#deps.schedules.remove(this.#deps.schedules.get(id).number)
    this.#deps.scheduler.kick()
  }

  async run(id: string): Promise<Job> {
    return this.#deps.scheduler.runNow(this.#deps.schedules.get(id))
  }

  #view(row: ScheduleRow): Schedule {
    const { id, source, cron, zone, jitter, afterwards, paused, created, due } = row
    const last = this.#deps.schedules.runs(row.number, 1)[0]
    return {
      ...{ id, source, cron, zone, afterwards, paused },
      jitterMs: jitter,
      created: isoTime(created),
      nextRun: paused || due === NEVER ? null : isoTime(due),
      lastRun: last === undefined ? null : apiRun(last),
    }
  }
}

const SHOWN_RUNS = 50

/** A run as the API tells it. */
export function apiRun({ state, slot, begun, ended, job, snapshot, code, text, tidy }: RunRow): Run {
  const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms))
  return { ...{ state, job, snapshot, code, text, tidy }, slot: time(slot), begun: isoTime(begun), ended: time(ended) }
}

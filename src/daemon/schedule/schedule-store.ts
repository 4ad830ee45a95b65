/** Schedules and what became of their runs, in `jobs.db`. Synchronous and durable. */
import type { Database } from 'better-sqlite3'
import type { RunState, Schedule } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Plan } from './plan.ts'

export type Afterwards = Schedule['afterwards']

/** Times are milliseconds since 1970. */
export interface ScheduleRow extends Plan {
  readonly number: number
  readonly id: string
  readonly source: string
  readonly cron: string
  readonly zone: string
  /** ms. */
  readonly jitter: number
  readonly afterwards: Afterwards
  readonly paused: boolean
  readonly created: number
}

export interface RunRow {
  readonly number: number
  /** Number of its schedule. */
  readonly schedule: number
  readonly slot: number | null
  readonly begun: number
  readonly ended: number | null
  readonly job: string | null
  readonly state: RunState
  readonly snapshot: string | null
  readonly code: string | null
  readonly text: string | null
  readonly tidy: string | null
}

export type RunEnd = Pick<RunRow, 'state' | 'ended' | 'snapshot' | 'code' | 'text'>

/** Runs kept of each schedule; the oldest go first. */
export const KEPT_RUNS = 100

type RawSchedule = Omit<ScheduleRow, 'paused'> & { readonly paused: number }

export class ScheduleStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** In the order they were made. */
  list(): ScheduleRow[] {
    return (this.#database.prepare('SELECT * FROM schedules ORDER BY number').all() as RawSchedule[]).map(toRow)
  }

  /** By id or an unambiguous start of it. Throws `STORAGE_NOT_FOUND`. */
  get(id: string): ScheduleRow {
    const found = this.list().filter((row) => row.id.startsWith(id))
    const row = found.find((one) => one.id === id) ?? (found.length === 1 ? found[0] : undefined)
    if (row === undefined)
      throw new PlexiError('STORAGE_NOT_FOUND', { what: `schedule ${id}` }, { remedy: 'plexichat schedule ls' })
    return row
  }

  add(row: Omit<ScheduleRow, 'number'>): ScheduleRow {
    this.#database
      .prepare(
        `INSERT INTO schedules (id, source, cron, zone, jitter, afterwards, paused, created, planned, slot, due)
         VALUES (@id, @source, @cron, @zone, @jitter, @afterwards, @paused, @created, @planned, @slot, @due)`,
      )
      .run({ ...row, paused: row.paused ? 1 : 0 })
    return this.get(row.id)
  }

  remove(number: number): void {
    this.#database.prepare('DELETE FROM schedules WHERE number = ?').run(number)
  }

  plan(number: number, { planned, slot, due }: Plan, paused: boolean): void {
    this.#database
      .prepare('UPDATE schedules SET planned = ?, slot = ?, due = ?, paused = ? WHERE number = ?')
      .run(planned, slot, due, paused ? 1 : 0, number)
  }

  /** The run and the plan of the next one become true together. */
  begin(run: Pick<RunRow, 'schedule' | 'slot' | 'begun'>, next: Plan | undefined): RunRow {
    return this.#database.transaction(() => {
      const { lastInsertRowid } = this.#database
        .prepare(`INSERT INTO runs (schedule, slot, begun, state) VALUES (?, ?, ?, 'running')`)
        .run(run.schedule, run.slot, run.begun)
      if (next !== undefined) this.plan(run.schedule, next, false)
      this.#database
        .prepare(
          `DELETE FROM runs WHERE schedule = @schedule AND state != 'running' AND number NOT IN
           (SELECT number FROM runs WHERE schedule = @schedule ORDER BY number DESC LIMIT @kept)`,
        )
        .run({ schedule: run.schedule, kept: KEPT_RUNS })
      return this.#run(Number(lastInsertRowid))
    })()
  }

  setJob(number: number, job: string): void {
    this.#database.prepare('UPDATE runs SET job = ? WHERE number = ?').run(job, number)
  }

  end(number: number, { state, ended, snapshot, code, text }: RunEnd): RunRow {
    this.#database
      .prepare('UPDATE runs SET state = ?, ended = ?, snapshot = ?, code = ?, text = ? WHERE number = ?')
      .run(state, ended, snapshot, code, text, number)
    return this.#run(number)
  }

  setTidy(number: number, job: string): void {
    this.#database.prepare('UPDATE runs SET tidy = ? WHERE number = ?').run(job, number)
  }

  /** A run whose job was never made: it becomes due again, as if nothing had been. */
  undo({ number, schedule, slot }: RunRow): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM runs WHERE number = ?').run(number)
      if (slot !== null)
        this.#database
          .prepare('UPDATE schedules SET planned = @slot, slot = @slot, due = @slot WHERE number = @schedule')
          .run({ slot, schedule })
    })()
  }

  /** Not ended, oldest first. */
  running(): RunRow[] {
    return this.#database.prepare(`SELECT * FROM runs WHERE state = 'running' ORDER BY number`).all() as RunRow[]
  }

  /** Newest first. */
  runs(schedule: number, limit: number): RunRow[] {
    return this.#database
      .prepare('SELECT * FROM runs WHERE schedule = ? ORDER BY number DESC LIMIT ?')
      .all(schedule, limit) as RunRow[]
  }

  /** The newest run that tells something about the source. */
  lastEnded(schedule: number): RunRow | undefined {
    return this.#database
      .prepare(
        `SELECT * FROM runs WHERE schedule = ? AND state IN ('ok', 'partial', 'failed') ORDER BY number DESC LIMIT 1`,
      )
      .get(schedule) as RunRow | undefined
  }

  #run(number: number): RunRow {
    return this.#database.prepare('SELECT * FROM runs WHERE number = ?').get(number) as RunRow
  }
}

function toRow(raw: RawSchedule): ScheduleRow {
  return { ...raw, paused: raw.paused === 1 }
}

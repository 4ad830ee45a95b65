/** Jobs in `jobs.db`: every job with its request, state and result, so that a restart loses none. Synchronous and durable. */
import type { Database } from 'better-sqlite3'
import { PlexiError } from '../../base/errors.ts'
import type { Failure, JobEvent, JobKind, JobState, NumberedJobEvent } from '../../api/index.ts'
import { isoTime } from '../../base/clock.ts'

export interface JobRow {
  readonly number: number
  readonly id: string
  readonly kind: JobKind
  readonly state: JobState
  readonly title: string
  readonly request: unknown
  readonly streams: boolean
  readonly created: number
  readonly started: number | null
  readonly ended: number | null
  readonly summary: Record<string, unknown> | null
  readonly error: Failure | null
  readonly seq: number
}

export type NewJob = Pick<JobRow, 'id' | 'kind' | 'title' | 'request' | 'streams' | 'created'>
export type JobChange = Partial<Pick<JobRow, 'state' | 'started' | 'ended' | 'summary' | 'error' | 'seq'>>

export class JobStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  close(): void {
    this.#database.close()
  }

  insert(job: NewJob): JobRow {
    this.#database
      .prepare(
        `INSERT INTO jobs (id, kind, state, title, request, streams, created)
         VALUES (@id, @kind, 'queued', @title, @request, @streams, @created)`,
      )
      .run({ ...job, request: JSON.stringify(job.request), streams: job.streams ? 1 : 0 })
    return this.get(job.id)
  }

  /** By id or an unambiguous start of it. Throws `SYSTEM_JOB_NOT_FOUND`. */
  get(id: string): JobRow {
    const rows = this.#database
      .prepare("SELECT * FROM jobs WHERE id = @id OR id LIKE @start ESCAPE '\\' ORDER BY id = @id DESC LIMIT 2")
      .all({ id, start: `${id.replaceAll(/[\\%_]/g, '\\$&')}%` }) as RawJob[]
    const [first, second] = rows
    if (first === undefined || (second !== undefined && first.id !== id)) {
      throw new PlexiError('SYSTEM_JOB_NOT_FOUND', { job: id })
    }
    return toRow(first)
  }

  /** By its whole id. */
  find(id: string): JobRow | undefined {
    const raw = this.#database.prepare('SELECT * FROM jobs WHERE id = ?').get(id) as RawJob | undefined
    return raw === undefined ? undefined : toRow(raw)
  }

  /** Newest first. */
  *list(filter: { readonly state?: JobState; readonly kind?: JobKind }): Generator<JobRow> {
    const page = this.#database.prepare(
      `SELECT * FROM jobs WHERE number < @below AND (@state IS NULL OR state = @state) AND (@kind IS NULL OR kind = @kind)
       ORDER BY number DESC LIMIT 100`,
    )
    let below = Number.MAX_SAFE_INTEGER
    for (;;) {
      const rows = page.all({ below, state: filter.state ?? null, kind: filter.kind ?? null }) as RawJob[]
      for (const row of rows) yield toRow(row)
      const last = rows.at(-1)
      if (last === undefined) return
      below = last.number
    }
  }

  /** Oldest first. */
  unfinished(): JobRow[] {
    const rows = this.#database
      .prepare("SELECT * FROM jobs WHERE state IN ('queued', 'running', 'waiting') ORDER BY number")
      .all() as RawJob[]
    return rows.map(toRow)
  }

  update(number: number, change: JobChange): void {
    const names = Object.keys(change) as (keyof JobChange)[]
    const sets = names.map((name) => `${name} = @${name}`).join(', ')
    const values = Object.fromEntries(names.map((name) => [name, column(change[name])]))
    this.#database.prepare(`UPDATE jobs SET ${sets} WHERE number = @number`).run({ ...values, number })
  }

  addEvent(number: number, { seq, time, event }: { seq: number; time: number; event: JobEvent }): void {
    this.#database.transaction(() => {
      if (event.type === 'saved') {
        this.#database.prepare(`DELETE FROM job_events WHERE job = ? AND event ->> 'type' = 'saved'`).run(number)
      }
      this.#database
        .prepare('INSERT INTO job_events (job, seq, time, event) VALUES (?, ?, ?, ?)')
        .run(number, seq, time, JSON.stringify(event))
      this.#database.prepare('UPDATE jobs SET seq = ? WHERE number = ?').run(seq, number)
    })()
  }

  events(number: number): NumberedJobEvent[] {
    const rows = this.#database
      .prepare('SELECT seq, time, event FROM job_events WHERE job = ? ORDER BY seq')
      .all(number) as { seq: number; time: number; event: string }[]
    return rows.map(({ seq, time, event }) => ({ seq, time: isoTime(time), event: JSON.parse(event) as JobEvent }))
  }

  /** Forgets all but the newest `keep` ended jobs. */
  trim(keep: number): void {
    this.#database
      .prepare(
        `DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE state IN ('done', 'failed', 'cancelled')
         ORDER BY number DESC LIMIT -1 OFFSET ?)`,
      )
      .run(keep)
  }
}

interface RawJob extends Omit<JobRow, 'request' | 'summary' | 'error' | 'streams'> {
  readonly request: string
  readonly summary: string | null
  readonly error: string | null
  readonly streams: number
}

function toRow(raw: RawJob): JobRow {
  return {
    ...raw,
    request: JSON.parse(raw.request) as unknown,
    summary: raw.summary === null ? null : (JSON.parse(raw.summary) as Record<string, unknown>),
    error: raw.error === null ? null : (JSON.parse(raw.error) as Failure),
    streams: raw.streams === 1,
  }
}

function column(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null)
}

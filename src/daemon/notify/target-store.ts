/** Who is told, and what still has to be told to whom, in `jobs.db`. Synchronous and durable; the queue is bounded. */
import type { Database } from 'better-sqlite3'
import type { Target } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'

export interface TargetRow {
  readonly name: string
  readonly kind: Target['kind']
  /** URL, or argument vector as JSON. */
  readonly address: string
  readonly secret: string
  readonly wants: Target['wants']
  /** Times in ms since 1970. */
  readonly created: number
  readonly delivered: number | null
  /** When the newest attempt failed, and why; null once one succeeded. */
  readonly failed: number | null
  readonly error: string | null
}

export interface DeliveryRow {
  readonly number: number
  readonly id: string
  readonly target: string
  readonly body: string
  readonly created: number
  readonly attempts: number
  readonly due: number
}

/** Per target; the oldest go first. */
export const MAX_WAITING = 200

export class TargetStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  list(): TargetRow[] {
    return this.#database.prepare('SELECT * FROM targets ORDER BY name').all() as TargetRow[]
  }

  /** Throws `STORAGE_NOT_FOUND`. */
  get(name: string): TargetRow {
    const row = this.#find(name)
    if (row === undefined)
      throw new PlexiError(
        'STORAGE_NOT_FOUND',
        { what: `notification target ${name}` },
        { remedy: 'plexichat notify ls' },
      )
    return row
  }

  /** Throws `STORAGE_EXISTS`. */
  add(row: Pick<TargetRow, 'name' | 'kind' | 'address' | 'secret' | 'wants' | 'created'>): TargetRow {
    if (this.#find(row.name) !== undefined)
      throw new PlexiError('STORAGE_EXISTS', { what: `notification target ${row.name}` })
    this.#database
      .prepare(
        `INSERT INTO targets (name, kind, address, secret, wants, created)
         VALUES (@name, @kind, @address, @secret, @wants, @created)`,
      )
      .run(row)
    return this.get(row.name)
  }

  /** With what waits for it. */
  remove(name: string): void {
    this.#database.prepare('DELETE FROM targets WHERE name = ?').run(name)
  }

  /** To the end of the target's queue. */
  queue(delivery: Pick<DeliveryRow, 'id' | 'target' | 'body' | 'created'>): void {
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `INSERT INTO deliveries (id, target, body, created, attempts, due)
           VALUES (@id, @target, @body, @created, 0, @created)`,
        )
        .run(delivery)
      this.#database
        .prepare(
          `DELETE FROM deliveries WHERE target = @target AND number NOT IN
           (SELECT number FROM deliveries WHERE target = @target ORDER BY number DESC LIMIT @kept)`,
        )
        .run({ target: delivery.target, kept: MAX_WAITING })
    })()
  }

  /** The oldest of each target: what is told arrives in order. */
  heads(): DeliveryRow[] {
    return this.#database
      .prepare('SELECT * FROM deliveries WHERE number IN (SELECT min(number) FROM deliveries GROUP BY target)')
      .all() as DeliveryRow[]
  }

  waiting(target: string): number {
    return this.#database.prepare('SELECT count(*) FROM deliveries WHERE target = ?').pluck().get(target) as number
  }

  delivered({ number, target }: DeliveryRow, now: number): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM deliveries WHERE number = ?').run(number)
      this.#database
        .prepare('UPDATE targets SET delivered = ?, failed = NULL, error = NULL WHERE name = ?')
        .run(now, target)
    })()
  }

  /** `next`: when to try again, or undefined to give this one up. */
  failed({ number, target }: DeliveryRow, why: string, when: { now: number; next: number | undefined }): void {
    this.#database.transaction(() => {
      if (when.next === undefined) this.#database.prepare('DELETE FROM deliveries WHERE number = ?').run(number)
      else
        this.#database
          .prepare('UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE number = ?')
          .run(when.next, number)
      this.#database
        .prepare('UPDATE targets SET failed = ?, error = ? WHERE name = ?')
        .run(when.now, why.slice(0, 500), target)
    })()
  }

  #find(name: string): TargetRow | undefined {
    return this.#database.prepare('SELECT * FROM targets WHERE name = ?').get(name) as TargetRow | undefined
  }
}

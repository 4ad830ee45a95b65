/** Alarms that hold, in `jobs.db`. */
import type { Database } from 'better-sqlite3'
import type { AlarmShelf, HeldAlarm } from '../status/alarms.ts'

export class AlarmStore implements AlarmShelf {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  list(): HeldAlarm[] {
    return this.#database.prepare('SELECT * FROM alarms').all() as HeldAlarm[]
  }

  put(alarm: HeldAlarm): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO alarms (code, about, since, text) VALUES (@code, @about, @since, @text)')
      .run(alarm)
  }

  remove({ code, about }: Pick<HeldAlarm, 'code' | 'about'>): void {
    this.#database.prepare('DELETE FROM alarms WHERE code = ? AND about = ?').run(code, about)
  }
}

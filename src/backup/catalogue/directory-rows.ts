/** What backups remember of directories in the catalogue, sealed; see unchanged/unchanged.ts. */
import type { Db } from './database.ts'

export class DirectoryRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** `seen`: ms since 1970, to about a day. */
  find(name: Uint8Array): { readonly bytes: Uint8Array; readonly seen: number } | undefined {
    return this.#db.prepare('SELECT bytes, seen FROM directories WHERE name = ?').get(name) as
      { bytes: Buffer; seen: number } | undefined
  }

  put(name: Uint8Array, bytes: Uint8Array, seen: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO directories (name, seen, bytes) VALUES (?, ?, ?)').run(name, seen, bytes)
  }

  mark(name: Uint8Array, seen: number): void {
    this.#db.prepare('UPDATE directories SET seen = ? WHERE name = ?').run(seen, name)
  }

  /** Removes those last seen before `time`. */
  removeUnseen(time: number): void {
    this.#db.prepare('DELETE FROM directories WHERE seen < ?').run(time)
  }
}

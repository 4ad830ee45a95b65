/**
 * Page maps of databases in the catalogue: what each page held at the last backup and where that is stored. Written
 * ahead of the snapshot: an entry only ever says where a content is, and whoever uses it asks whether it is still there.
 */
import type { Db } from './database.ts'

export class PageMapRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Number of the map of that name; 0 where there is none for pages of that size. */
  find(name: Uint8Array, pageBytes: number): number {
    const row = this.#db.prepare('SELECT no FROM page_maps WHERE name = ? AND page_bytes = ?').get(name, pageBytes)
    return (row as { no: number } | undefined)?.no ?? 0
  }

  /** The same, made where it is missing; a map for pages of another size is replaced. */
  make(name: Uint8Array, pageBytes: number, time: number): number {
    const found = this.find(name, pageBytes)
    if (found !== 0) {
      this.#db.prepare('UPDATE page_maps SET used = ? WHERE no = ?').run(time, found)
      return found
    }
    this.#db.prepare('DELETE FROM page_maps WHERE name = ?').run(name)
    const sql = 'INSERT INTO page_maps (name, page_bytes, used) VALUES (?, ?, ?)'
    return Number(this.#db.prepare(sql).run(name, pageBytes, time).lastInsertRowid)
  }

  segment(map: number, no: number): Uint8Array | undefined {
    const row = this.#db.prepare('SELECT bytes FROM page_segments WHERE map = ? AND no = ?').get(map, no)
    return (row as { bytes: Buffer } | undefined)?.bytes
  }

  put(map: number, no: number, bytes: Uint8Array): void {
    this.#db.prepare('INSERT OR REPLACE INTO page_segments (map, no, bytes) VALUES (?, ?, ?)').run(map, no, bytes)
  }

  /** Removes the segments from `count` on: the database became shorter. */
  cut(map: number, count: number): void {
    this.#db.prepare('DELETE FROM page_segments WHERE map = ? AND no >= ?').run(map, count)
  }

  /** Removes maps last used before `time`, ms since 1970. */
  removeUnused(time: number): void {
    this.#db.prepare('DELETE FROM page_maps WHERE used < ?').run(time)
  }
}

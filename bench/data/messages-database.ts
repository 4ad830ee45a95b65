/**
 * Data set B: a chat database in SQLite – messages with text, 4 % of them with a blob, one index on channel and time
 * and one on random UUIDs – and B′: the same after a while, 1 % of its rows edited, four of five of them in the newest
 * tenth, and 0.2 % added. The rows are the same everywhere; the file's bytes depend on the version of SQLite.
 */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { hex, keyStream, words, xorshift, type Next } from './seeded.ts'

export interface DatabaseOptions {
  /** The file grows to about this size. */
  readonly bytes: number
  readonly seed: number
}

export const setB: DatabaseOptions = { bytes: 1024 * 1024 * 1024, seed: 20261122 }

const NAME = 'messages.db'
const VOCABULARY = 30_000
const PHRASES = 250_000
const WORDS_PER_PHRASE = 6
const BYTES_PER_ROW = 585
const BLOB_SHARE = 0.04
const EDITED_SHARE = 0.01
const EDITS_IN_NEWEST_TENTH = 0.8
const ADDED_SHARE = 0.002
const MIN_BLOB = 2_048
const MAX_BLOB = 10_240

/** Writes B below `folder`; returns the number of rows. */
export function writeDatabase(folder: string, { bytes, seed }: DatabaseOptions): number {
  mkdirSync(folder, { recursive: true })
  const rows = Math.floor(bytes / BYTES_PER_ROW)
  const db = open(join(folder, NAME))
  db.exec(`CREATE TABLE messages (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, channel INTEGER NOT NULL,
             author INTEGER NOT NULL, time INTEGER NOT NULL, text TEXT NOT NULL, attachment BLOB)`)
  insert(db, new Rows(seed), { from: 0, count: rows })
  db.exec(`CREATE INDEX by_channel ON messages (channel, time); CREATE UNIQUE INDEX by_uuid ON messages (uuid)`)
  db.close()
  return rows
}

/** Writes B′ below `folder` from the database below `original`. */
export function editDatabase(original: string, folder: string, { seed }: DatabaseOptions): void {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(original, NAME), join(folder, NAME))
  const db = open(join(folder, NAME))
  const { rows } = db.prepare('SELECT count(*) AS rows FROM messages').get() as { rows: number }
  const fresh = new Rows(seed + 1)
  const { next } = fresh
  const select = db.prepare('SELECT text FROM messages WHERE id = ?').pluck()
  const update = db.prepare('UPDATE messages SET text = ? WHERE id = ?')
  db.transaction(() => {
    for (let i = 0; i < rows * EDITED_SHARE; i++) {
      const newest = next() % 100 < EDITS_IN_NEWEST_TENTH * 100
      const from = newest ? Math.floor(rows * 0.9) : 0
      const id = 1 + from + (next() % (rows - from))
      update.run(fresh.edited(String(select.get(id))), id)
    }
  })()
  insert(db, fresh, { from: rows, count: Math.floor(rows * ADDED_SHARE) })
  db.close()
}

function open(path: string): Database.Database {
  const db = new Database(path)
  db.pragma('page_size = 4096')
  // A data set is made once; nothing is lost when making it fails.
  db.pragma('journal_mode = OFF')
  db.pragma('synchronous = OFF')
  db.pragma('cache_size = -262144')
  return db
}

function insert(db: Database.Database, rows: Rows, { from, count }: { from: number; count: number }): void {
  const statement = db.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)')
  db.transaction(() => {
    for (let i = 0; i < count; i++) statement.run(from + i + 1, ...rows.row(from + i))
  })()
}

class Rows {
  readonly next: Next
  readonly #vocabulary: string[]
  readonly #phrases: string[]
  readonly #blobs: (length: number) => Buffer

  constructor(seed: number) {
    this.next = xorshift(seed)
    const common = xorshift(setB.seed)
    this.#vocabulary = words(common, VOCABULARY)
    const pick = () => this.#vocabulary[common() % VOCABULARY] ?? ''
    this.#phrases = Array.from({ length: PHRASES }, () => Array.from({ length: WORDS_PER_PHRASE }, pick).join(' '))
    this.#blobs = keyStream(seed)
  }

  row(index: number): [string, number, number, number, string, Buffer | null] {
    const { next } = this
    const uuid = `${hex(next)}-${hex(next).slice(4)}-4${hex(next).slice(5)}-${hex(next).slice(4)}-${hex(next)}${hex(next).slice(4)}`
    const blob = next() % 1_000 < BLOB_SHARE * 1_000 ? this.#blobs(MIN_BLOB + (next() % (MAX_BLOB - MIN_BLOB))) : null
    return [uuid, next() % 200, next() % 5_000, 1_700_000_000 + index * 7 + (next() % 7), this.text(), blob]
  }

  text(): string {
    let text = ''
    for (let left = 1 + (this.next() % 10); left > 0; left--) text += `${this.#phrases[this.next() % PHRASES] ?? ''} `
    return text
  }

  /** One word is another now. */
  edited(text: string): string {
    const all = text.split(' ')
    all[this.next() % all.length] = this.#vocabulary[this.next() % VOCABULARY] ?? ''
    return all.join(' ')
  }
}

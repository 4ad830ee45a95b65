/**
 * Writes rows into a database for as long as it runs, `node row-writer-child.ts FILE MODE`; says on stdout the number of the
 * last row whenever it is committed. Every tenth transaction changes old rows, so that pages everywhere change.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'

const [file = '', mode = 'WAL'] = process.argv.slice(2)
const database = new Database(file, { timeout: 60_000 })
database.pragma(`journal_mode = ${mode}`)
database.pragma('synchronous = NORMAL')
const insert = database.prepare('INSERT INTO rows (text) VALUES (?)')
const change = database.prepare('UPDATE rows SET text = ? WHERE no = ?')
for (let no = 0; ; no++) {
  const last = database.transaction(() => {
    if (no % 10 === 0) change.run(randomBytes(200).toString('hex'), 1 + ((no * 7919) % 1000))
    return insert.run(randomBytes(200).toString('hex')).lastInsertRowid
  })()
  if (!process.stdout.write(`${String(last)}\n`)) await once(process.stdout, 'drain')
  // All the time, yet not so fast that the database outgrows a slow machine.
  await setTimeout(2)
}

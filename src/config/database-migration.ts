/**
 * Numbered SQL migrations of one SQLite file. `user_version` is the number of steps applied. A database is copied
 * beside itself before steps are applied to one that holds data, older copies go once that succeeded; one from a newer
 * program is refused, never touched.
 */
import type { Database } from 'better-sqlite3'
import { basename, dirname, join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'

/** SQL texts, oldest first. */
export type SqlMigrations = readonly string[]

/** Reads `NNN-name.sql` of a directory; numbers must run from 001 without gaps. */
export async function readSqlMigrations(disk: Disk, directory: string): Promise<SqlMigrations> {
  const names = (await disk.readdir(directory)).map(String).filter((name) => name.endsWith('.sql'))
  const sorted = names.toSorted()
  const texts: string[] = []
  for (const [index, name] of sorted.entries()) {
    if (Number(name.slice(0, 3)) !== index + 1)
      throw new PlexiError('SYSTEM_UNEXPECTED', { reason: `migration ${name}` })
    texts.push((await disk.readFile(`${directory}/${name}`, 1_000_000)).toString('utf8'))
  }
  return texts
}

/** Brings `database` up to date in one transaction. Throws `CONFIG_NEWER_HOME` or `STORAGE_DATABASE`. */
export async function migrateDatabase(database: Database, migrations: SqlMigrations, disk: Disk): Promise<void> {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) throw new PlexiError('CONFIG_NEWER_HOME', { version })
  if (version === migrations.length) return
  try {
    if (version > 0 && !database.memory) await copyBeside(database, version, disk)
    database.transaction(() => {
      for (const sql of migrations.slice(version)) database.exec(sql)
      database.pragma(`user_version = ${String(migrations.length)}`)
    })()
  } catch (error) {
    throw new PlexiError(
      'STORAGE_DATABASE',
      { name: database.name, reason: (error as Error).message },
      { cause: error },
    )
  }
  // A copy too many is no reason not to start.
  if (version > 0 && !database.memory) await removeOlderCopies(database, version, disk).catch(() => undefined)
}

/** What a program of before the last change could open is worth its room; what is older than that is not. */
async function removeOlderCopies({ name }: Database, version: number, disk: Disk): Promise<void> {
  const directory = dirname(name)
  const start = `${basename(name)}.v`
  for (const other of (await disk.readdir(directory)).map(String)) {
    const number = other.startsWith(start) ? other.slice(start.length) : ''
    if (/^[1-9]\d{0,8}$/.test(number) && Number(number) < version) await disk.unlink(join(directory, other))
  }
}

/** The copy has its name only once it is complete and durable. One that is there already is kept: it is of this version. */
async function copyBeside(database: Database, version: number, disk: Disk): Promise<void> {
  const copy = `${database.name}.v${String(version)}`
  if ((await disk.stat(copy)) !== undefined) return
  const unfinished = `${copy}.unfinished`
  await disk.unlink(unfinished)
  database.prepare('VACUUM INTO ?').run(unfinished)
  const file = await disk.open(unfinished, 'update')
  await file.sync().finally(() => file.close())
  await disk.rename(unfinished, copy)
  await disk.syncDirectory(dirname(copy))
}

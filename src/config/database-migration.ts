/**
 * Numbered SQL migrations of one SQLite file. `user_version` is the number of steps applied. A database is copied
 * beside itself before steps are applied to one that holds data; one from a newer program is refused, never touched.
 */
import type { Database } from 'better-sqlite3'
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
export function migrateDatabase(database: Database, migrations: SqlMigrations): void {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) throw new PlexiError('CONFIG_NEWER_HOME', { version })
  if (version === migrations.length) return
  if (version > 0 && !database.memory) copyBeside(database, version)
  try {
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
}

function copyBeside(database: Database, version: number): void {
  try {
    database.prepare('VACUUM INTO ?').run(`${database.name}.v${String(version)}`)
  } catch (error) {
    // A copy from an interrupted attempt is as good as a new one: nothing was changed after it.
    if (!(error instanceof Error) || !error.message.includes('already exists')) throw error
  }
}

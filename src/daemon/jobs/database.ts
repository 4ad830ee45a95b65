/** `jobs.db`: what the daemon itself keeps. Synchronous and durable; every table has one store as its owner. */
import Database from 'better-sqlite3'
import { fileURLToPath } from 'node:url'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { migrateDatabase, readSqlMigrations, type SqlMigrations } from '../../config/database-migration.ts'

/** The steps that make and change `jobs.db`. */
export function jobMigrations(disk: Disk): Promise<SqlMigrations> {
  return readSqlMigrations(disk, fileURLToPath(new URL('migrations', import.meta.url)))
}

/** `path` `:memory:` is for tests. Throws `STORAGE_DATABASE`, `CONFIG_NEWER_HOME`. */
export async function openJobsDatabase(
  disk: Disk,
  path: string,
  migrations: SqlMigrations,
): Promise<Database.Database> {
  if (path !== ':memory:' && (await disk.stat(path)) === undefined) await (await disk.open(path, 'create')).close()
  try {
    const database = new Database(path)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    await migrateDatabase(database, migrations, disk)
    return database
  } catch (error) {
    if (error instanceof PlexiError) throw error
    throw new PlexiError('STORAGE_DATABASE', { name: 'jobs.db', reason: (error as Error).message }, { cause: error })
  }
}

/**
 * `peers.db`: opened with full durability, brought up to date by the numbered scripts in `migrations/`.
 * Invariant: `user_version` is the number of the last script that ran; a database from a newer program is refused.
 */
import Sqlite from 'better-sqlite3'
import { fileURLToPath } from 'node:url'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { migrateDatabase, readSqlMigrations } from '../../config/database-migration.ts'

export type PeersDatabase = Sqlite.Database

/** `path` may be `:memory:`. */
export async function openPeersDatabase(path: string, disk: Disk): Promise<PeersDatabase> {
  const migrations = await readSqlMigrations(disk, fileURLToPath(new URL('../migrations', import.meta.url)))
  let database: PeersDatabase | undefined
  try {
    database = new Sqlite(path)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    await migrateDatabase(database, migrations, disk)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof PlexiError) throw error
    const reason = error instanceof Error ? error.message : 'unknown'
    throw new PlexiError('STORAGE_DATABASE', { name: 'peers.db', reason }, { cause: error })
  }
}

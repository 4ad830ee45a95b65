/**
 * `peers.db`: opened with full durability, brought up to date by the numbered scripts in `migrations/`.
 * Invariant: `user_version` is the number of the last script that ran; a database from a newer program is refused.
 */
import Sqlite from 'better-sqlite3'
import { fileURLToPath } from 'node:url'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { KiB } from '../../base/bytes.ts'

export type PeersDatabase = Sqlite.Database

const migrations = ['001-peers.sql'] as const

/** `path` may be `:memory:`. */
export async function openPeersDatabase(path: string, disk: Disk): Promise<PeersDatabase> {
  const scripts: string[] = []
  for (const name of migrations) {
    const file = fileURLToPath(new URL(`../migrations/${name}`, import.meta.url))
    scripts.push((await disk.readFile(file, 256 * KiB)).toString('utf8'))
  }
  let database: PeersDatabase | undefined
  try {
    database = new Sqlite(path)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    migrate(database, scripts)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof PlexiError) throw error
    const reason = error instanceof Error ? error.message : 'unknown'
    throw new PlexiError('STORAGE_DATABASE', { name: 'peers.db', reason }, { cause: error })
  }
}

function migrate(database: PeersDatabase, scripts: readonly string[]): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version > scripts.length) throw new PlexiError('CONFIG_NEWER_HOME', { version })
  for (const [index, script] of scripts.entries()) {
    if (index < version) continue
    database.transaction(() => {
      database.exec(script)
      database.pragma(`user_version = ${index + 1}`)
    })()
  }
}

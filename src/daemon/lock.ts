/**
 * One daemon per home. The lock is a SQLite transaction held open on `run/lock`: the kernel drops it with the process,
 * so a killed daemon never leaves a stale lock and two starters can never both win.
 *
 * The file must not be opened by anything else in this process: closing it would drop POSIX locks.
 */
import Database from 'better-sqlite3'
import type { Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'
import type { HomePaths } from '../config/home.ts'
import { readDaemonInfo } from './daemon-info.ts'

export interface HomeLock {
  release(): void
}

/** Long enough to outlast somebody who only looks whether the home is locked. */
const PATIENCE_MS = 300

/** Throws `SYSTEM_LOCKED` with the pid of the daemon that holds it. */
export async function lockHome(disk: Disk, paths: HomePaths): Promise<HomeLock> {
  const lock = await tryLock(disk, paths, PATIENCE_MS)
  if (lock !== undefined) return lock
  const pid = (await readDaemonInfo(disk, paths))?.pid ?? 'unknown'
  throw new PlexiError('SYSTEM_LOCKED', { pid, home: paths.root })
}

export async function isLocked(disk: Disk, paths: HomePaths): Promise<boolean> {
  if ((await disk.stat(paths.lock)) === undefined) return false
  const lock = await tryLock(disk, paths, 0)
  lock?.release()
  return lock === undefined
}

async function tryLock(disk: Disk, paths: HomePaths, patienceMs: number): Promise<HomeLock | undefined> {
  await createFile(disk, paths.lock)
  const database = new Database(paths.lock, { timeout: patienceMs })
  try {
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY') === true) return undefined
    throw error
  }
  return { release: () => database.close() }
}

/** With mode 0600: SQLite itself would follow the umask. */
async function createFile(disk: Disk, path: string): Promise<void> {
  try {
    const file = await disk.open(path, 'create')
    await file.close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

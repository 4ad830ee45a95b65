/** The daemon in the background: `up`, `down`. Whether one runs is decided by the home's lock, never by a pid file. */
import { join } from 'node:path'
import { errorTable, type ErrorCode } from '../base/error-table.ts'
import { deadline, SECOND, type Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'
import type { Environment, HomePaths } from '../config/home.ts'
import { readDaemonInfo, type DaemonInfo } from './daemon-info.ts'
import { prepareHome, requireVault } from './home.ts'
import { isLocked } from './lock.ts'
import { sendSignal, spawnDetached } from './system/process.ts'

export interface BackgroundDeps {
  readonly disk: Disk
  readonly clock: Clock
}

export interface UpRequest {
  readonly paths: HomePaths
  /** How to start `plexichat daemon` in the foreground: program and arguments, all but `--json`. */
  readonly command: string
  readonly args: readonly string[]
  readonly env: Environment
  readonly timeoutMs: number
}

const POLL_MS = 50
const MAX_OUTPUT_BYTES = 1_048_576
/** With less than this there is no room even for words. */
const FULL_BELOW_BYTES = 65_536

/** Starts the daemon and waits until it is ready. One that runs already is returned as it is. */
export async function startInBackground(
  request: UpRequest,
  deps: BackgroundDeps,
  signal: AbortSignal,
): Promise<DaemonInfo & { readonly started: boolean }> {
  const { paths } = request
  await requireVault(deps.disk, paths)
  await prepareHome(deps.disk, paths)
  const running = await runningDaemon(paths, deps)
  if (running?.ready === true) return { ...running, started: false }
  // Nobody holds the lock: what is there now was left by a daemon that was killed.
  if (running === undefined) await deps.disk.unlink(paths.daemonInfo)
  const outputPath = join(paths.logs, 'daemon.out')
  await deps.disk.unlink(outputPath)
  const child = await spawnDetached({ ...request, args: [...request.args, '--json'], outputPath })
  let ended = false
  void child.exited.then(() => (ended = true))
  const limit = deadline(deps.clock, request.timeoutMs, signal)
  try {
    for (;;) {
      const info = await readDaemonInfo(deps.disk, paths)
      if (info?.ready === true) return { ...info, started: true }
      if (isTrue(ended)) throw await startFailure(deps.disk, { outputPath, root: paths.root })
      await deps.clock.sleep(POLL_MS, limit.signal)
    }
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error
    throw new PlexiError(
      'SYSTEM_TIMEOUT',
      { what: 'starting the daemon', timeoutMs: request.timeoutMs },
      { cause: error },
    )
  } finally {
    limit.clear()
  }
}

/** Asks the daemon to end and waits until its lock is free. Throws `SYSTEM_DAEMON_NOT_RUNNING`, `SYSTEM_TIMEOUT`. */
export async function stopInBackground(
  request: { readonly paths: HomePaths; readonly timeoutMs: number },
  deps: BackgroundDeps,
  signal: AbortSignal,
): Promise<{ pid: number }> {
  const info = await runningDaemon(request.paths, deps)
  if (info === undefined) throw new PlexiError('SYSTEM_DAEMON_NOT_RUNNING')
  sendSignal(info.pid, 'SIGTERM')
  const limit = deadline(deps.clock, request.timeoutMs, signal)
  try {
    while (await isLocked(deps.disk, request.paths)) await deps.clock.sleep(POLL_MS, limit.signal)
    return { pid: info.pid }
  } catch (error) {
    if (!limit.signal.aborted || signal.aborted) throw error
    throw new PlexiError(
      'SYSTEM_TIMEOUT',
      { what: 'stopping the daemon', timeoutMs: request.timeoutMs },
      { cause: error },
    )
  } finally {
    limit.clear()
  }
}

/** The daemon that holds the home's lock; undefined where none does. */
export async function runningDaemon(paths: HomePaths, deps: BackgroundDeps): Promise<DaemonInfo | undefined> {
  for (let attempt = 0; await isLocked(deps.disk, paths); attempt++) {
    const info = await readDaemonInfo(deps.disk, paths)
    if (info !== undefined) return info
    // It has the lock and has not yet said who it is.
    if (attempt * POLL_MS > 5 * SECOND) throw new PlexiError('SYSTEM_LOCKED', { pid: 'unknown' })
    await deps.clock.sleep(POLL_MS)
  }
  return undefined
}

/** The error the daemon printed as its last line. */
async function startFailure(disk: Disk, at: { outputPath: string; root: string }): Promise<PlexiError> {
  const { outputPath, root } = at
  const text = (await disk.readFile(outputPath, MAX_OUTPUT_BYTES)).toString('utf8').trim()
  const last = text.split('\n').at(-1) ?? ''
  try {
    const { code, message, remedy } = JSON.parse(last) as Readonly<Record<string, unknown>>
    if (typeof code === 'string' && Object.hasOwn(errorTable, code)) {
      return new PlexiError(code as ErrorCode, {}, { message: String(message), remedy: String(remedy) })
    }
  } catch {
    // Not ours: shown as it is.
  }
  if (last === '' && (await disk.space(root)).freeBytes < FULL_BELOW_BYTES)
    return new PlexiError('STORAGE_DISK_FULL', {}, { message: `the disk of ${root} is full: the daemon cannot start` })
  return new PlexiError('SYSTEM_UNEXPECTED', { reason: `the daemon ended at once: ${last}` })
}

/** Read through a call: the flag is set from elsewhere while this function waits. */
function isTrue(flag: boolean): boolean {
  return flag
}

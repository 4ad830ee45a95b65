/**
 * The home directory: made with mode 0700, marked with the number of its layout. A home of a newer program is refused
 * before anything in it is opened, and a directory that is not a home is never taken over.
 */
import { basename, dirname, join } from 'node:path'
import { isLeftover, type Disk } from '../base/disk.ts'
import { PlexiError } from '../base/errors.ts'
import { utf8 } from '../base/bytes.ts'
import type { HomePaths } from '../config/home.ts'

/** Layout of the home this program writes. */
export const HOME_VERSION = 1

/** What a user may have put there before `init`. */
const WELCOME = new Set(['config.toml', 'lost+found'])

/** Makes a new home or completes an existing one. Throws `VALIDATION_USAGE` for a directory with foreign content. */
export async function prepareHome(disk: Disk, paths: HomePaths): Promise<void> {
  const version = await homeVersion(disk, paths)
  if (version === undefined) await refuseForeign(disk, paths)
  for (const directory of [
    paths.root,
    paths.identity,
    paths.outbox,
    paths.hosted,
    paths.cache,
    paths.run,
    paths.logs,
  ]) {
    await makePrivate(disk, directory)
  }
  if (version === undefined) await disk.writeFileAtomic(paths.version, utf8(`${String(HOME_VERSION)}\n`))
}

/** What writers that were cut off left beside our own files. The home is locked: nobody is writing one. */
export async function removeLeftovers(disk: Disk, paths: HomePaths): Promise<void> {
  const { version, config, keystore, keyFile, daemonInfo, token } = paths
  for (const own of [version, config, keystore, keyFile, daemonInfo, token]) {
    const directory = dirname(own)
    const start = `${basename(own)}.`
    for (const name of (await disk.readdir(directory)).map(String))
      if (isLeftover(name) && name.startsWith(start)) await disk.unlink(join(directory, name))
  }
}

/** Throws `SYSTEM_NOT_INITIALISED` where no vault is, `CONFIG_NEWER_HOME` where a newer program wrote. */
export async function requireVault(disk: Disk, paths: HomePaths): Promise<void> {
  await homeVersion(disk, paths)
  if (!(await hasVault(disk, paths))) throw new PlexiError('SYSTEM_NOT_INITIALISED', { home: paths.root })
}

export async function hasVault(disk: Disk, paths: HomePaths): Promise<boolean> {
  return (await disk.stat(paths.keystore)) !== undefined
}

/** Undefined where there is no home yet. */
async function homeVersion(disk: Disk, paths: HomePaths): Promise<number | undefined> {
  if ((await disk.stat(paths.version)) === undefined) return undefined
  const text = (await disk.readFile(paths.version, 100)).toString('utf8').trim()
  const version = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isInteger(version)) throw new PlexiError('CONFIG_INVALID', { key: paths.version, reason: 'not a number' })
  if (version > HOME_VERSION) throw new PlexiError('CONFIG_NEWER_HOME', { version })
  return version
}

async function refuseForeign(disk: Disk, paths: HomePaths): Promise<void> {
  if ((await disk.stat(paths.root)) === undefined) return
  const ours = new Set(
    Object.values({ ...paths } as Record<string, string | undefined>).map((path) => path?.slice(paths.root.length + 1)),
  )
  const names = (await disk.readdir(paths.root)).map(String)
  const foreign = names.find((name) => !WELCOME.has(name) && !ours.has(name))
  if (foreign === undefined) return
  const reason = `${paths.root} holds other files (${foreign}): choose an empty directory with --home`
  throw new PlexiError('VALIDATION_USAGE', { reason })
}

async function makePrivate(disk: Disk, path: string): Promise<void> {
  await disk.mkdir(path)
  const stat = await disk.stat(path)
  if (stat !== undefined && (stat.mode & 0o077) !== 0) await disk.chmod(path, 0o700)
}

/**
 * Where the socket lies while a daemon runs. A short path is in a directory others can write to: it must be ours alone.
 * Throws `SYSTEM_PERMISSION`.
 */
export async function prepareSocketDirectory(disk: Disk, paths: HomePaths): Promise<void> {
  const directory = dirname(paths.socket)
  if (directory === paths.run) return
  await disk.mkdir(directory)
  const stat = await disk.stat(directory)
  if (stat?.kind !== 'directory' || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    throw new PlexiError('SYSTEM_PERMISSION', { reason: `${directory} must be a private directory of this account` })
  }
}

/** What was made for the socket alone is not left behind. */
export async function removeSocketDirectory(disk: Disk, paths: HomePaths): Promise<void> {
  if (paths.socketDirectory !== undefined) await disk.rmdir(paths.socketDirectory).catch(() => undefined)
}

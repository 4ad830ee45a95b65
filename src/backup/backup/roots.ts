/** The paths of a backup request as the top entries of its tree, each with a name of its own. */
import { basename, isAbsolute, resolve } from 'node:path'
import { utf8 } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { limits } from '../options.ts'
import type { Skipped } from '../requests.ts'
import { reasonOf } from '../sources/reason.ts'
import type { OwnHomes } from '../sources/own-homes.ts'
import type { WalkEntry } from '../sources/walk.ts'

export interface Roots {
  readonly roots: readonly WalkEntry[]
  /** Paths that are not there or cannot be looked at. */
  readonly missing: readonly Skipped[]
  /** Paths in a home or store of PlexiChat. */
  readonly own: readonly string[]
}

export interface RootDeps {
  readonly disk: Disk
  readonly homes: Pick<OwnHomes, 'hold'>
}

/** Throws `VALIDATION_USAGE`, or `STORAGE_SOURCE_UNREADABLE` when no path is there: nothing is stored then. */
export async function rootsOf(paths: readonly string[], { disk, homes }: RootDeps): Promise<Roots> {
  if (paths.length === 0)
    throw new PlexiError('VALIDATION_USAGE', { reason: 'nothing to back up: give at least one PATH' })
  if (paths.length > limits.paths) throw new PlexiError('VALIDATION_LIMIT', { what: 'paths', limit: limits.paths })
  const roots: WalkEntry[] = []
  const missing: Skipped[] = []
  const own: string[] = []
  const names = new Set<string>()
  for (const path of new Set(paths.map(absolute))) {
    const stat = await statRoot(path, disk)
    if (typeof stat === 'string') missing.push({ path, reason: stat })
    else if (await homes.hold(path, disk)) own.push(path)
    else roots.push({ name: utf8(freeName(basename(path) || 'root', names)), path: Buffer.from(path), stat })
  }
  const [first] = missing
  if (roots.length === 0 && first !== undefined) throw new PlexiError('STORAGE_SOURCE_UNREADABLE', { ...first })
  if (roots.length === 0) throw nothingLeft(own)
  return { roots, missing, own }
}

/** An empty snapshot would pass for the latest one. */
export function nothingLeft(paths: readonly string[]): PlexiError {
  return new PlexiError('VALIDATION_USAGE', { reason: `nothing to back up: ${paths.join(', ')} is left out` })
}

/** What is at a path, or why that cannot be told. */
async function statRoot(path: string, disk: Disk): Promise<WalkEntry['stat'] | string> {
  try {
    return (await disk.stat(path)) ?? 'there is no such file or directory'
  } catch (error) {
    return reasonOf(error)
  }
}

function absolute(path: string): string {
  if (!isAbsolute(path)) throw new PlexiError('VALIDATION_USAGE', { reason: `not an absolute path: ${path}` })
  return resolve(path)
}

/** The base name, or with `~2`, `~3` … when another path took it. */
function freeName(base: string, taken: Set<string>): string {
  let name = base
  for (let i = 2; taken.has(name); i++) name = `${base}~${String(i)}`
  taken.add(name)
  return name
}

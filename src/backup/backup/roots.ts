/** The paths of a backup request as the top entries of its tree, each with a name of its own. */
import { basename, isAbsolute, resolve } from 'node:path'
import { utf8 } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { limits } from '../options.ts'
import { reasonOf, type WalkEntry } from '../sources/walk.ts'

/** Throws `VALIDATION_USAGE`, or `STORAGE_SOURCE_UNREADABLE` when a path is not there: nothing is stored then. */
export async function rootsOf(paths: readonly string[], disk: Disk): Promise<WalkEntry[]> {
  if (paths.length === 0)
    throw new PlexiError('VALIDATION_USAGE', { reason: 'nothing to back up: give at least one PATH' })
  if (paths.length > limits.paths) throw new PlexiError('VALIDATION_LIMIT', { what: 'paths', limit: limits.paths })
  const roots: WalkEntry[] = []
  const names = new Set<string>()
  for (const path of new Set(paths.map(absolute))) {
    const stat = await statRoot(path, disk)
    roots.push({ name: utf8(freeName(basename(path) || 'root', names)), path: Buffer.from(path), stat })
  }
  return roots
}

async function statRoot(path: string, disk: Disk): Promise<WalkEntry['stat']> {
  try {
    const stat = await disk.stat(path)
    if (stat !== undefined) return stat
  } catch (error) {
    throw new PlexiError('STORAGE_SOURCE_UNREADABLE', { path, reason: reasonOf(error) }, { cause: error })
  }
  throw new PlexiError('STORAGE_SOURCE_UNREADABLE', { path, reason: 'there is no such file or directory' })
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

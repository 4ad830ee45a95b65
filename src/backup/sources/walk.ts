/**
 * Walking a source tree in the order it is stored: names ascending by bytes, a directory's content right after it.
 * Symbolic links are never followed; names are raw bytes; what cannot be read is reported, never an error.
 */
import { compare, utf8 } from '../../base/bytes.ts'
import type { Disk, DiskStat } from '../../base/disk.ts'
import { mapBounded } from '../../base/queue.ts'
import { nameText, type Excludes } from './excludes.ts'
import { markerIn, type Marker } from './markers.ts'
import type { OwnHomes } from './own-homes.ts'
import { reasonOf } from './reason.ts'

export interface WalkEntry {
  readonly name: Uint8Array
  readonly path: Buffer
  readonly stat: DiskStat
}

export type WalkItem =
  | ({ readonly type: 'enter' } & WalkEntry)
  | { readonly type: 'leave' }
  | ({ readonly type: 'file' } & WalkEntry)
  | ({ readonly type: 'link'; readonly target: Buffer } & WalkEntry)
  /** Pipes, sockets and devices: stored as what they are, never opened. */
  | ({ readonly type: 'special' } & WalkEntry)
  /** Could not be read: the backup is partial. */
  | { readonly type: 'skipped'; readonly path: string; readonly reason: string }
  /** Left out on purpose. */
  | { readonly type: 'note'; readonly path: string; readonly reason: string }

export interface WalkDeps {
  readonly disk: Disk
  readonly excludes: Excludes
  readonly homes: OwnHomes
  /** Directories that have one of these keep it and nothing else. */
  readonly markers: readonly Marker[]
  /** Stay on the file system of the path that is walked. */
  readonly oneFileSystem: boolean
  readonly signal: AbortSignal
}

interface VisitDeps extends WalkDeps {
  /** Where the walk began. */
  readonly device: bigint
}

const STATS_AT_ONCE = 16
const STAT_SLICE = 1024

/** Everything at and below `path`; the first item is the path itself under `name`. */
export async function* walk(root: WalkEntry, deps: WalkDeps): AsyncGenerator<WalkItem> {
  yield* visit(root, [], { ...deps, device: root.stat.device })
}

async function* visit(entry: WalkEntry, below: readonly Uint8Array[], deps: VisitDeps): AsyncGenerator<WalkItem> {
  deps.signal.throwIfAborted()
  if (entry.stat.kind === 'file') yield { type: 'file', ...entry }
  else if (entry.stat.kind === 'symlink') yield await link(entry, deps.disk)
  else if (entry.stat.kind === 'directory') yield* directory(entry, below, deps)
  else yield { type: 'special', ...entry }
}

async function* directory(entry: WalkEntry, below: readonly Uint8Array[], deps: VisitDeps): AsyncGenerator<WalkItem> {
  let names: readonly Buffer[]
  if (deps.oneFileSystem && entry.stat.device !== deps.device) {
    yield { type: 'note', path: nameText(entry.path), reason: 'another file system, not entered' }
    yield { type: 'enter', ...entry }
    yield { type: 'leave' }
    return
  }
  try {
    names = (await deps.disk.readdir(entry.path)).sort(compare)
  } catch (error) {
    yield { type: 'skipped', path: nameText(entry.path), reason: reasonOf(error) }
    return
  }
  if (deps.homes.isOwn(entry.stat, names)) {
    yield { type: 'note', path: nameText(entry.path), reason: 'a home or store of PlexiChat is never backed up' }
    return
  }
  const marker = await markerIn(entry, names, deps)
  if (marker !== undefined) {
    yield { type: 'note', path: nameText(entry.path), reason: `left out but for its ${nameText(marker)}` }
    names = names.filter((name) => compare(name, marker) === 0)
  }
  yield { type: 'enter', ...entry }
  for (let at = 0; at < names.length; at += STAT_SLICE) {
    const slice = names.slice(at, at + STAT_SLICE)
    const stats = await mapBounded(slice, STATS_AT_ONCE, (name) => statOf(join(entry.path, name), deps.disk))
    for (const [i, name] of slice.entries()) yield* child(entry, { name, found: stats[i], below }, deps)
  }
  yield { type: 'leave' }
}

type Found = DiskStat | { readonly error: string } | undefined

async function* child(
  parent: WalkEntry,
  { name, found, below }: { name: Buffer; found: Found; below: readonly Uint8Array[] },
  deps: VisitDeps,
): AsyncGenerator<WalkItem> {
  const path = join(parent.path, name)
  if (found === undefined) return
  if ('error' in found) {
    yield { type: 'skipped', path: nameText(path), reason: found.error }
    return
  }
  const inside = [...below, name]
  if (deps.excludes.excluded(inside, found.kind === 'directory')) return
  yield* visit({ name, path, stat: found }, inside, deps)
}

/** Undefined for an entry that vanished since the directory was read: it is as if it had never been there. */
async function statOf(path: Buffer, disk: Disk): Promise<Found> {
  try {
    return await disk.stat(path)
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

async function link(entry: WalkEntry, disk: Disk): Promise<WalkItem> {
  try {
    return { type: 'link', ...entry, target: await disk.readlink(entry.path) }
  } catch (error) {
    return { type: 'skipped', path: nameText(entry.path), reason: reasonOf(error) }
  }
}

export function join(directory: Uint8Array, name: Uint8Array): Buffer {
  const separator = directory.at(-1) === 0x2f ? '' : '/'
  return Buffer.concat([directory, utf8(separator), name])
}

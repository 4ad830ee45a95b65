/**
 * Walking a source tree in the order it is stored: names ascending by bytes, a directory's content right after it.
 * Symbolic links are never followed; names are raw bytes; what cannot be read is reported, never an error.
 */
import { compare, utf8 } from '../../base/bytes.ts'
import type { Disk, DiskStat } from '../../base/disk.ts'
import { LISTED_AT_ONCE, type ListJob } from '../kernel/jobs.ts'
import type { DirectoryMemory, StoredDirectory } from '../unchanged/directory-memory.ts'
import type { Unchanged } from '../unchanged/unchanged.ts'
import { nameText, type Excludes } from './excludes.ts'
import type { Listing } from './listing.ts'
import { markerIn, type Marker } from './markers.ts'
import type { OwnHomes } from './own-homes.ts'
import { reasonOf } from './reason.ts'

export interface WalkEntry {
  readonly name: Uint8Array
  readonly path: Buffer
  readonly stat: DiskStat
}

/** A file in a directory, if the path that is walked is not the file itself. */
export interface FileEntry extends WalkEntry {
  readonly memory?: DirectoryMemory
}

export type WalkItem =
  | ({ readonly type: 'enter'; readonly memory?: DirectoryMemory } & WalkEntry)
  /** A directory of which nothing has changed since an earlier backup: it is not entered. */
  | ({ readonly type: 'same'; readonly stored: StoredDirectory } & WalkEntry)
  | { readonly type: 'leave' }
  | ({ readonly type: 'file' } & FileEntry)
  | ({ readonly type: 'link'; readonly target: Buffer } & WalkEntry)
  /** Pipes, sockets and devices: stored as what they are, never opened. */
  | ({ readonly type: 'special' } & WalkEntry)
  /** Could not be read: the backup is partial. */
  | { readonly type: 'skipped'; readonly path: string; readonly reason: string }
  /** Left out on purpose. */
  | { readonly type: 'note'; readonly path: string; readonly reason: string }

export interface WalkDeps {
  readonly disk: Disk
  readonly list: (job: ListJob) => Promise<Listing | { readonly error: string }>
  /** What earlier backups stored; without it every directory is entered. */
  readonly unchanged?: Unchanged
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

/** Directories beside each other that are listed before their turn. */
const LISTED_AHEAD = 8

/** Everything at and below `path`; the first item is the path itself under `name`. */
export async function* walk(root: WalkEntry, deps: WalkDeps): AsyncGenerator<WalkItem> {
  yield* visit(root, [], { ...deps, device: root.stat.device })
}

async function* visit(entry: FileEntry, below: readonly Uint8Array[], deps: VisitDeps): AsyncGenerator<WalkItem> {
  deps.signal.throwIfAborted()
  if (entry.stat.kind === 'file') yield { type: 'file', ...entry }
  else if (entry.stat.kind === 'symlink') yield await link(entry, deps.disk)
  else if (entry.stat.kind === 'directory') yield* directory({ entry, below }, deps)
  else yield { type: 'special', ...entry }
}

type Listed = Awaited<ReturnType<WalkDeps['list']>>

interface Place {
  readonly entry: WalkEntry
  /** Names from the path that is walked down to it. */
  readonly below: readonly Uint8Array[]
  readonly listed?: Promise<Listed>
}

async function* directory(place: Place, deps: VisitDeps): AsyncGenerator<WalkItem> {
  const { path, name, stat } = place.entry
  const entry = { path, name, stat }
  if (!mayEnter(entry, deps)) {
    yield { type: 'note', path: nameText(path), reason: 'another file system, not entered' }
    yield { type: 'enter', ...entry }
    yield { type: 'leave' }
    return
  }
  const listing = await (place.listed ?? deps.list({ path }))
  if ('error' in listing) {
    yield { type: 'skipped', path: nameText(path), reason: listing.error }
    return
  }
  if (deps.homes.isOwn(stat, listing)) {
    yield { type: 'note', path: nameText(path), reason: 'a home or store of PlexiChat is never backed up' }
    return
  }
  const marker = await markerIn(entry, listing, deps)
  if (marker !== undefined)
    yield { type: 'note', path: nameText(path), reason: `left out but for its ${nameText(marker)}` }
  const memory = marker === undefined ? deps.unchanged?.directory(entry, listing) : undefined
  const stored = memory?.whole()
  if (stored !== undefined) {
    yield { type: 'same', ...entry, stored }
    return
  }
  yield { type: 'enter', ...entry, ...(memory === undefined ? {} : { memory }) }
  const taken = (each: Uint8Array): boolean => marker === undefined || compare(each, marker) === 0
  yield* children({ ...place, listing, taken, ...(memory === undefined ? {} : { memory }) }, deps)
  yield { type: 'leave' }
}

function mayEnter({ stat }: WalkEntry, deps: VisitDeps): boolean {
  return !deps.oneFileSystem || stat.device === deps.device
}

interface Inside extends Place {
  readonly listing: Listing
  readonly memory?: DirectoryMemory
  readonly taken: (name: Uint8Array) => boolean
}

/** Of a long directory a part is looked at at a time. */
async function* children(inside: Inside, deps: VisitDeps): AsyncGenerator<WalkItem> {
  const { entry, listing } = inside
  yield* listedChildren(inside, deps)
  for (let at = listing.seen; at < listing.length; at += LISTED_AT_ONCE) {
    const only = listing.names(at, Math.min(listing.length, at + LISTED_AT_ONCE))
    const part = await deps.list({ path: entry.path, only })
    if ('error' in part) yield { type: 'skipped', path: nameText(entry.path), reason: part.error }
    else yield* listedChildren({ ...inside, listing: part }, deps)
  }
}

async function* listedChildren(inside: Inside, deps: VisitDeps): AsyncGenerator<WalkItem> {
  const { entry, listing, memory } = inside
  const ahead = new ListedAhead(inside, deps)
  for (let i = 0; i < listing.seen; i++) {
    const name = listing.name(i)
    const reason = listing.reason(i)
    const path = join(entry.path, name)
    if (reason !== undefined && inside.taken(name)) yield { type: 'skipped', path: nameText(path), reason }
    if (!isWanted(inside, i, deps)) continue
    const child = { name, path, stat: listing.stat(i) }
    const below = [...inside.below, name]
    if (child.stat.kind === 'directory') yield* directory({ entry: child, below, ...ahead.take(i) }, deps)
    else yield* visit({ ...child, ...(memory === undefined ? {} : { memory }) }, below, deps)
  }
}

/** An entry that vanished since the directory was read is as if it had never been there. */
function isWanted({ listing, below, taken }: Inside, i: number, deps: VisitDeps): boolean {
  const kind = listing.kind(i)
  if (kind === undefined) return false
  const name = listing.name(i)
  return taken(name) && !deps.excludes.excluded([...below, name], kind === 'directory')
}

/** Lists the next few directories while one is walked. */
class ListedAhead {
  readonly #inside: Inside
  readonly #deps: VisitDeps
  readonly #started = new Map<number, Promise<Listed>>()
  #next = 0

  constructor(inside: Inside, deps: VisitDeps) {
    this.#inside = inside
    this.#deps = deps
  }

  /** Directories are taken in their order. */
  take(i: number): { listed?: Promise<Listed> } {
    this.#start()
    const listed = this.#started.get(i)
    this.#started.delete(i)
    return listed === undefined ? {} : { listed }
  }

  #start(): void {
    const { entry, listing } = this.#inside
    for (; this.#next < listing.seen && this.#started.size < LISTED_AHEAD; this.#next++) {
      const i = this.#next
      if (listing.kind(i) !== 'directory' || !isWanted(this.#inside, i, this.#deps)) continue
      const path = join(entry.path, listing.name(i))
      if (!mayEnter({ name: path, path, stat: listing.stat(i) }, this.#deps)) continue
      const listed = this.#deps.list({ path })
      listed.catch(() => undefined)
      this.#started.set(i, listed)
    }
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

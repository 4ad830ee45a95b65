/**
 * Walking a source tree in the order it is stored: names ascending by bytes, a directory's content right after it.
 * Symbolic links are never followed; names are raw bytes; what cannot be read is reported, never an error.
 */
import { compare } from '../../base/bytes.ts'
import type { Disk, DiskStat } from '../../base/disk.ts'
import type { ListJob } from '../kernel/jobs.ts'
import { pack, partEnd } from '../kernel/names.ts'
import type { DirectoryMemory, StoredDirectory } from '../unchanged/directory-memory.ts'
import type { Unchanged } from '../unchanged/unchanged.ts'
import { nameText, type Excludes } from './excludes.ts'
import type { Listing } from './listing.ts'
import { markerIn, type Marker } from './markers.ts'
import { companionSuffixes } from './sqlite/database-header.ts'
import { NEVER_BACKED_UP, type OwnHomes } from './own-homes.ts'
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
  /** What is known of some files of a long directory, or of a path that is a file, ends here. */
  | { readonly type: 'part'; readonly memory: DirectoryMemory }
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
  /** Names of a directory looked at in one job. */
  readonly listedAtOnce: number
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
  if (root.stat.kind === 'file' && deps.unchanged !== undefined) yield* single(root, deps, deps.unchanged)
  else yield* visit(root, [], { ...deps, device: root.stat.device })
}

/** A file that is backed up by its own path. */
async function* single(root: WalkEntry, deps: WalkDeps, unchanged: Unchanged): AsyncGenerator<WalkItem> {
  const at = root.path.lastIndexOf('/')
  const name = root.path.subarray(at + 1)
  const names = ['', ...companionSuffixes].map((suffix) => Buffer.concat([name, Buffer.from(suffix)]))
  const listing = await deps.list({
    path: root.path.subarray(0, Math.max(1, at)),
    only: pack(names.sort(compare)),
    most: names.length,
  })
  const memory = 'error' in listing ? undefined : unchanged.directory(root, listing)
  yield { type: 'file', ...root, ...given(memory) }
  if (memory !== undefined) yield { type: 'part', memory }
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
  const { told, inside } = await open(place, deps)
  yield* told
  if (inside === undefined) return
  const { name, path, stat } = place.entry
  const entry = { name, path, stat }
  const unchanged = inside.marker === undefined ? deps.unchanged : undefined
  const isLong = inside.listing.seen < inside.listing.length
  const memory = isLong ? undefined : unchanged?.directory(entry, inside.listing)
  const stored = memory?.whole()
  if (stored !== undefined) {
    yield { type: 'same', ...entry, stored }
    return
  }
  yield { type: 'enter', ...entry, ...given(memory) }
  for await (const part of parts(inside, deps)) {
    if ('error' in part) {
      yield { type: 'skipped', path: nameText(path), reason: part.error }
      continue
    }
    const own = isLong ? unchanged?.directory(entry, part, part.name(0)) : undefined
    yield* children({ ...inside, ...given(own ?? memory), listing: part }, deps)
    if (own !== undefined) yield { type: 'part', memory: own }
  }
  yield { type: 'leave' }
}

function given(memory: DirectoryMemory | undefined): { memory?: DirectoryMemory } {
  return memory === undefined ? {} : { memory }
}

/** Lists a directory, if it is to be listed; `told`: what is to be said of it before, or instead. */
async function open(place: Place, deps: VisitDeps): Promise<{ told: readonly WalkItem[]; inside?: Inside }> {
  const { entry } = place
  const path = nameText(entry.path)
  const note = (reason: string): WalkItem => ({ type: 'note', path, reason })
  if (!mayEnter(entry, deps))
    return { told: [note('another file system, not entered'), { type: 'enter', ...entry }, { type: 'leave' }] }
  const listing = await (place.listed ?? deps.list({ path: entry.path, most: deps.listedAtOnce }))
  if ('error' in listing) return { told: [{ type: 'skipped', path, reason: listing.error }] }
  if (deps.homes.isOwn(entry.stat, listing)) return { told: [note(NEVER_BACKED_UP)] }
  const marker = await markerIn(entry, listing, deps)
  if (marker === undefined) return { told: [], inside: { ...place, listing } }
  return { told: [note(`left out but for its ${nameText(marker)}`)], inside: { ...place, listing, marker } }
}

function mayEnter({ stat }: WalkEntry, deps: VisitDeps): boolean {
  return !deps.oneFileSystem || stat.device === deps.device
}

interface Inside extends Place {
  readonly listing: Listing
  readonly memory?: DirectoryMemory
  /** The only entry that is taken. */
  readonly marker?: Uint8Array
}

/** Of a long directory a part is looked at at a time. */
async function* parts({ entry, listing }: Inside, deps: VisitDeps): AsyncGenerator<Listed> {
  yield listing
  for (let at = listing.seen; at < listing.length;) {
    const end = partEnd(listing.found, at, deps.listedAtOnce)
    yield deps.list({ path: entry.path, only: listing.names(at, end), most: end - at })
    at = end
  }
}

async function* children(inside: Inside, deps: VisitDeps): AsyncGenerator<WalkItem> {
  const { entry, listing, memory } = inside
  const ahead = new ListedAhead(inside, deps)
  for (let i = 0; i < listing.seen; i++) {
    const name = listing.name(i)
    const path = join(entry.path, name)
    const reason = listing.reason(i)
    if (reason !== undefined && isTaken(inside, name)) yield { type: 'skipped', path: nameText(path), reason }
    if (!isWanted(inside, i, deps)) continue
    const child = { name, path, stat: listing.stat(i) }
    const below = [...inside.below, name]
    if (child.stat.kind === 'directory') yield* directory({ entry: child, below, ...ahead.take(i) }, deps)
    // Most entries are files, and going through a generator for each costs more than all else that is done for it here.
    else if (child.stat.kind === 'file') yield { type: 'file', ...child, ...given(memory) }
    else yield* visit({ ...child, ...given(memory) }, below, deps)
  }
}

/** Sizes of all files at and below `root`, a directory at a time. */
export async function sizes(
  root: WalkEntry,
  deps: WalkDeps,
  add: (files: number, bytes: number) => void,
): Promise<void> {
  if (root.stat.kind === 'file') add(1, root.stat.size)
  if (root.stat.kind === 'directory')
    await sizesIn({ entry: root, below: [] }, { ...deps, device: root.stat.device }, add)
}

async function sizesIn(place: Place, deps: VisitDeps, add: (files: number, bytes: number) => void): Promise<void> {
  deps.signal.throwIfAborted()
  const { inside } = await open(place, deps)
  if (inside === undefined) return
  for await (const part of parts(inside, deps)) {
    if ('error' in part) continue
    const here = { ...inside, listing: part }
    const ahead = new ListedAhead(here, deps)
    const directories: number[] = []
    let files = 0
    let bytes = 0
    for (let i = 0; i < part.seen; i++) {
      const kind = part.kind(i)
      if ((kind !== 'file' && kind !== 'directory') || !isWanted(here, i, deps)) continue
      if (kind === 'directory') directories.push(i)
      else {
        files++
        bytes += part.found.sizes[i] as number
      }
    }
    add(files, bytes)
    for (const i of directories) {
      const name = part.name(i)
      const entry = { name, path: join(place.entry.path, name), stat: part.stat(i) }
      await sizesIn({ entry, below: [...place.below, name], ...ahead.take(i) }, deps, add)
    }
  }
}

function isTaken({ marker }: Inside, name: Uint8Array): boolean {
  return marker === undefined || compare(name, marker) === 0
}

/** An entry that vanished since the directory was read is as if it had never been there. */
function isWanted(inside: Inside, i: number, deps: VisitDeps): boolean {
  const { listing, below } = inside
  const kind = listing.kind(i)
  if (kind === undefined) return false
  const name = listing.name(i)
  return isTaken(inside, name) && !deps.excludes.excluded([...below, name], kind === 'directory')
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
      const listed = this.#deps.list({ path, most: this.#deps.listedAtOnce })
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

const SLASH = 0x2f

export function join(directory: Uint8Array, name: Uint8Array): Buffer {
  const start = directory.at(-1) === SLASH ? directory.length : directory.length + 1
  const path = Buffer.allocUnsafe(start + name.length)
  path.set(directory)
  path[start - 1] = SLASH
  path.set(name, start)
  return path
}

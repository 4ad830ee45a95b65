/**
 * One directory between two backups: which of its files need not be read again, and what the next backup may know.
 * Invariants: a file is known only while size, both times, inode and device are what they were before it was read, and
 * every chunk of it can be had; one that was written to so shortly before that a clock may not tell is never remembered.
 */
import { compare, equal } from '../../base/bytes.ts'
import { SECOND } from '../../base/clock.ts'
import type { DiskStat } from '../../base/disk.ts'
import type { ChunkId } from '../../shard/index.ts'
import { companionSuffixes, isCompanionName } from '../sources/sqlite/database-header.ts'
import { nameAt } from '../kernel/names.ts'
import type { Listing } from '../sources/listing.ts'
import type { Content, NodeList } from '../tree/node.ts'
import { chunkAt, contentOf, makeRow, type DirectoryRow, type KnownFile } from './directory-row.ts'

/** Times of files are counted in steps, of up to two seconds on some file systems. */
const RACY_NS = BigInt(2 * SECOND) * 1_000_000n
/** Extents of a directory's files that are kept all in one; further files of many are remembered by their lists. */
const MAX_EXTENTS = 65_536

export interface StoredDirectory {
  readonly list: NodeList
  readonly files: number
  readonly bytes: number
}

export interface MemoryDeps {
  /** What was remembered. */
  readonly row: DirectoryRow | undefined
  readonly listing: Listing
  /** Of the listing and of all else that decides what is stored of this directory. */
  readonly digest: Uint8Array
  /** Whether a chunk may be referred to again. */
  readonly reuse: (id: ChunkId) => boolean
  readonly save: (row: DirectoryRow) => void
  /** Nothing is taken from memory. */
  readonly forceRead: boolean
}

/** How a file was stored: without `remembered` it may not be relied on. */
export interface StoredFile {
  readonly content: Content
  readonly changed: boolean
  readonly remembered?: Content
  readonly known?: true
}

export class DirectoryMemory {
  readonly #deps: MemoryDeps
  readonly #files: KnownFile[] = []
  readonly #objects: ChunkId[] = []
  /** Of all files. */
  #extents = 0
  /** Number of the remembered file that is compared next: names ascend on both sides. */
  #cursor = 0
  /** A file is stored in another way than was remembered. */
  #differs = false
  /** So far the entries say all about the directory. */
  #complete = true
  /** Whether something here may belong to a database. */
  #companions: boolean | undefined

  constructor(deps: MemoryDeps) {
    this.#deps = deps
  }

  /** The directory as it was stored, when nothing in it has changed since and all of it can be had. */
  whole(): StoredDirectory | undefined {
    const { row, digest, reuse, forceRead } = this.#deps
    if (forceRead || row?.whole === undefined || !equal(row.whole.digest, digest)) return undefined
    const { list, objects } = row.whole
    if (!list.every(reuse) || !objects.every(reuse)) return undefined
    for (let i = 0; i < row.lengths.length; i++) {
      const chunk = chunkAt(row.chunks, i)
      if (chunk !== null && !reuse(chunk)) return undefined
    }
    return { list: { depth: 0, chunks: list }, files: row.sizes.length, bytes: row.sizes.reduce((a, b) => a + b, 0) }
  }

  /**
   * Content of a file that need not be read, if what its lists name can be had; without lists that was looked up. Files
   * come in the order of their names.
   */
  known({ name, stat }: { readonly name: Uint8Array; readonly stat: DiskStat }): Content | undefined {
    const { row, forceRead, reuse } = this.#deps
    if (row === undefined || forceRead || !this.#maySay(name)) return undefined
    while (this.#cursor < row.ends.length && compare(nameAt(row, this.#cursor), name) < 0) this.#cursor++
    const i = this.#cursor
    if (i >= row.ends.length || !equal(nameAt(row, i), name)) return undefined
    this.#cursor++
    const same =
      row.sizes[i] === stat.size &&
      row.mtimes[i] === stat.mtimeNs &&
      row.ctimes[i] === stat.ctimeNs &&
      row.inodes[i] === stat.inode &&
      row.devices[i] === stat.device
    const content = same ? contentOf(row, i) : undefined
    return content?.extents.every(({ chunk }) => chunk === null || reuse(chunk)) === true ? content : undefined
  }

  /** A file was stored as it was when `stat` was taken, unless it changed. */
  remember({ name, stat }: { readonly name: Uint8Array; readonly stat: DiskStat }, stored: StoredFile): void {
    if (stored.known !== true) this.#differs = true
    if (stored.changed || stored.remembered === undefined || !this.#maySay(name) || this.#isRacy(stat.ctimeNs)) {
      this.#complete = false
      return
    }
    const { extents } = stored.remembered
    const content = this.#extents + extents.length > MAX_EXTENTS ? stored.content : stored.remembered
    this.#extents += content.extents.length
    this.#files.push({ name, stat, content })
    // Its lists have lists, or chunks, that only the lists name.
    if (stored.content.depth > 1 || content.depth > 0) this.#complete = false
    else if (stored.content.depth === 1)
      for (const { chunk } of stored.content.extents) if (chunk !== null) this.#objects.push(chunk)
  }

  /** Something in it was left out or told: that has to be told again. */
  incomplete(): void {
    this.#complete = false
  }

  /** All of it was stored, and not by `whole`. Without `list` it is part of a directory, or not one at all. */
  close(list?: NodeList): void {
    const { row, digest, save } = this.#deps
    const whole = this.#complete && list?.depth === 0 && this.#isPlain()
    if (!whole && !this.#differs && row?.whole === undefined && row?.ends.length === this.#files.length) return
    save(makeRow(this.#files, whole ? { digest, list: list.chunks, objects: this.#objects } : undefined))
  }

  /** No directory among the entries, for those have a content; no hard link, for its number depends on others. */
  #isPlain(): boolean {
    const { listing } = this.#deps
    const { links, ctimes } = listing.found
    for (let i = 0; i < listing.seen; i++) {
      const kind = listing.kind(i)
      if (kind === undefined || kind === 'directory') return false
      if ((links[i] as number) > 1 || this.#isRacy(ctimes[i] as bigint)) return false
    }
    return true
  }

  #isRacy(ctimeNs: bigint): boolean {
    return ctimeNs > BigInt(this.#deps.listing.at) * 1_000_000n - RACY_NS
  }

  /** Databases are known by their pages, and while one is in use nothing else tells what it holds. */
  #maySay(name: Uint8Array): boolean {
    const { listing } = this.#deps
    this.#companions ??= listing.some(isCompanionName)
    if (!this.#companions) return true
    const beside = companionSuffixes.some((suffix) => listing.has(Buffer.concat([name, Buffer.from(suffix)])))
    return !isCompanionName(name) && !beside
  }
}

/**
 * Source entries → chunks and nodes. Spec: docs/spec/04-snapshot-and-head.md § Tree.
 * Invariant: a node is written after everything it refers to.
 */
import { compare, utf8 } from '../../base/bytes.ts'
import { deviceParts, type DiskFile, type DiskStat } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { Chunker, type ChunkId } from '../../shard/index.ts'
import type { Parts } from '../parts.ts'
import type { ExportFound, Skipped } from '../requests.ts'
import { cut, type Fill } from '../sources/cut.ts'
import { nameText } from '../sources/excludes.ts'
import { MetadataReader } from '../sources/metadata.ts'
import type { Owners } from '../sources/owners.ts'
import { hasChanged, openSource, readAhead, type AheadItem } from '../sources/read-file.ts'
import { reasonOf } from '../sources/reason.ts'
import { walk, type WalkDeps, type WalkEntry } from '../sources/walk.ts'
import { isSparse, regionsOf } from '../sources/regions.ts'
import { ContentBuilder, NodeListBuilder, type ObjectStore } from '../tree/list-builder.ts'
import type { Content, NodeList, TreeNode } from '../tree/node.ts'
import type { Counters } from './counters.ts'
import { DatabaseWriter } from './database-writer.ts'
import { ExportWriter } from './export-writer.ts'
import type { Written } from './written.ts'

/** Where chunks go: the writer, or nowhere for a dry run. */
export interface ChunkStore extends ObjectStore {
  putData(bytes: Uint8Array): Promise<ChunkId>
  /** The same for pieces that lie one after the other; `slab` is free again when it resolves. */
  putPieces(slab: Uint8Array, lengths: readonly number[]): Promise<ChunkId[]>
  /** Whether a chunk stored by an earlier backup may be referred to again; then what is written now needs it. */
  reuse(id: ChunkId): boolean
}

export interface TreeDeps {
  readonly parts: Parts
  readonly store: ChunkStore
  readonly counters: Counters
  readonly owners: Owners
  readonly walk: WalkDeps
  /** Paths that must be databases. */
  readonly databases: ReadonlySet<string>
  /** Whether what was learnt for the next backup is kept: not by a dry run. */
  readonly save: boolean
  readonly progress: () => void
  readonly skip: (skipped: Skipped) => void
  readonly leaveOut: (path: string, reason: string) => void
  /** An export or dump was recognised. */
  readonly found: (found: ExportFound) => void
}

interface OpenDirectory {
  readonly entry: WalkEntry
  readonly builder: NodeListBuilder
}

export class TreeWriter {
  readonly #deps: TreeDeps
  readonly #chunker: Chunker
  readonly #databases: DatabaseWriter
  readonly #exports: ExportWriter
  readonly #metadata: MetadataReader

  constructor(deps: TreeDeps) {
    this.#deps = deps
    this.#databases = new DatabaseWriter(deps)
    this.#metadata = new MetadataReader({
      disk: deps.parts.disk,
      owners: deps.owners,
      incomplete: (path, reason) => {
        deps.skip({ path: nameText(path), reason })
      },
    })
    this.#chunker = new Chunker(deps.parts.options.chunk, deps.parts.keys.shared.chunker)
    this.#exports = new ExportWriter({ ...deps, chunker: this.#chunker, signal: deps.walk.signal })
  }

  /** Stores whole trees; each root becomes a node of its name in the top list, with its origin. */
  async writeRoots(roots: readonly WalkEntry[]): Promise<{ list: NodeList; nodes: number }> {
    const top = new NodeListBuilder(this.#deps.store)
    let nodes = 0
    for (const root of roots.toSorted((a, b) => compare(a.name, b.name))) {
      const node = await this.#writeTree(root)
      if (node === undefined) continue
      nodes++
      await top.push({ ...node, origin: root.path })
    }
    return { list: await top.finish(), nodes }
  }

  /** Stores a stream as the only node of the top list. */
  async writeStream(name: string, fill: Fill): Promise<NodeList> {
    const { parts, counters, store } = this.#deps
    const watched = this.#exports.watch(name, fill)
    const { content, size } = await this.#writeContent(watched.fill)
    watched.done()
    counters.filesDone++
    const top = new NodeListBuilder(store)
    const mtimeNs = BigInt(parts.clock.now()) * 1_000_000n
    await top.push({ name: utf8(name), type: 'file', mode: 0o600, uid: 0, gid: 0, mtimeNs, size, content })
    return top.finish()
  }

  async #writeTree(root: WalkEntry): Promise<TreeNode | undefined> {
    const { parts, walk: walkDeps } = this.#deps
    const { readAheadFiles: files, readAheadBytes: bytes, chunk } = parts.options
    const items = readAhead(walk(root, walkDeps), { files, bytes, smallBytes: chunk.maxBytes }, parts.disk)
    const open: OpenDirectory[] = []
    let top: TreeNode | undefined
    const done = async (node: TreeNode | undefined): Promise<void> => {
      if (node === undefined) return
      const parent = open.at(-1)
      if (parent === undefined) top = node
      else await parent.builder.push(node)
    }
    for await (const item of items) {
      walkDeps.signal.throwIfAborted()
      if (item.type === 'enter') open.push({ entry: item, builder: new NodeListBuilder(this.#deps.store) })
      else if (item.type === 'leave') await done(await this.#closeDirectory(open.pop()))
      else await done(await this.#writeItem(item))
    }
    return top
  }

  async #closeDirectory(directory: OpenDirectory | undefined): Promise<TreeNode | undefined> {
    if (directory === undefined) return undefined
    this.#deps.counters.dirs++
    const { entry, builder } = directory
    return { ...(await this.#metadata.of(entry)), list: await builder.finish() }
  }

  async #writeItem(item: Exclude<AheadItem, { type: 'enter' | 'leave' }>): Promise<TreeNode | undefined> {
    if (item.type === 'file') return this.#writeFile(item)
    if (item.type === 'link') return { ...(await this.#metadata.of(item)), target: item.target }
    if (item.type === 'special') return this.#special(item)
    if (item.type === 'skipped') this.#deps.skip({ path: item.path, reason: item.reason })
    else this.#deps.leaveOut(item.path, item.reason)
    return undefined
  }

  async #writeFile(item: Extract<AheadItem, { type: 'file' }>): Promise<TreeNode | undefined> {
    const { counters, skip, progress } = this.#deps
    if (this.#databases.isCompanion(item)) return undefined
    const read = await this.#readFile(item)
    if ('error' in read) {
      skip({ path: nameText(item.path), reason: read.error })
      return undefined
    }
    if (read.changed) skip({ path: nameText(item.path), reason: 'changed while it was read' })
    counters.filesDone++
    progress()
    return { ...(await this.#metadata.of(item)), size: read.size, content: read.content }
  }

  /** A file that was stored under another of its names is not read again. */
  async #readFile(item: Extract<AheadItem, { type: 'file' }>): Promise<Written> {
    const { links } = this.#metadata
    const known = links.known(item.stat)
    if (known !== undefined) {
      this.#deps.counters.bytesDone += known.size
      return { ...known, changed: false }
    }
    const database = await this.#databases.write(item, this.#deps.databases.has(nameText(item.path)))
    const whole = database ?? (await this.#exports.write(item))
    const read = whole ?? (await (item.small === undefined ? this.#readLarge(item) : this.#readSmall(item.small)))
    if (!('error' in read) && !read.changed) links.remember(item.stat, read)
    return read
  }

  async #special(entry: WalkEntry): Promise<TreeNode> {
    const { kind, rdev } = entry.stat
    const device = kind === 'char' || kind === 'block' ? { device: deviceParts(rdev) } : {}
    return { ...(await this.#metadata.of(entry)), ...device }
  }

  async #readSmall(small: NonNullable<Extract<AheadItem, { type: 'file' }>['small']>): Promise<Written> {
    const read = await small
    if ('error' in read) return read
    const builder = new ContentBuilder(this.#deps.store)
    for (let data = read.bytes; data.length > 0;) {
      const length = this.#chunker.next(data)
      await builder.push({ chunk: await this.#deps.store.putData(data.subarray(0, length)), from: 0, length })
      data = data.subarray(length)
    }
    this.#deps.counters.bytesDone += read.bytes.length
    return { content: await builder.finish(), size: read.bytes.length, changed: read.changed }
  }

  async #readLarge(entry: WalkEntry): Promise<Written> {
    try {
      const { file, stat } = await openSource(this.#deps.parts.disk, entry)
      try {
        const written = await this.#writeRegions(file, stat)
        const changed = hasChanged(entry.stat, stat) || hasChanged(stat, await file.stat())
        return { ...written, changed }
      } finally {
        await file.close()
      }
    } catch (error) {
      // Only the source may fail softly: what the engine itself throws, or the system about our own files, ends the backup.
      if (error instanceof PlexiError || this.#deps.walk.signal.aborted || !isSourceError(error)) throw error
      return { error: reasonOf(error) }
    }
  }

  /** Data to the end of the file; holes as what they are. */
  async #writeRegions(file: DiskFile, stat: DiskStat): Promise<{ content: Content; size: number }> {
    const { store, counters, progress } = this.#deps
    const builder = new ContentBuilder(store)
    let size = 0
    for await (const { hole, from, to } of regionsOf(file, stat)) {
      if (hole) {
        await builder.push({ chunk: null, from: 0, length: to - from })
        counters.bytesDone += to - from
        size += to - from
        progress()
      } else size += await this.#writeData(builder, fillRange(file, from, isSparse(stat) ? to : Infinity))
    }
    return { content: await builder.finish(), size }
  }

  async #writeContent(fill: Fill): Promise<{ content: Content; size: number }> {
    const builder = new ContentBuilder(this.#deps.store)
    const size = await this.#writeData(builder, fill)
    return { content: await builder.finish(), size }
  }

  async #writeData(builder: ContentBuilder, fill: Fill): Promise<number> {
    const { parts, store, counters, progress, walk: walkDeps } = this.#deps
    const sizes = { blockBytes: parts.options.readBlockBytes, maxBytes: parts.options.chunk.maxBytes }
    let size = 0
    for await (const piece of cut(this.#chunker, guarded(fill), sizes)) {
      walkDeps.signal.throwIfAborted()
      await builder.push({ chunk: await store.putData(piece), from: 0, length: piece.length })
      size += piece.length
      counters.bytesDone += piece.length
      progress()
    }
    return size
  }
}

/** Bytes of a file from `from` up to `to` or its end. */
function fillRange(file: DiskFile, from: number, to: number): Fill {
  let at = from
  return async (into) => {
    const count = at >= to ? 0 : await file.read(into.subarray(0, Math.min(into.length, to - at)), at)
    at += count
    return count
  }
}

const fromSource = new WeakSet()

/** Marks errors of reading the source, to tell them from errors of storing. */
function guarded(fill: Fill): Fill {
  return async (into) => {
    try {
      return await fill(into)
    } catch (error) {
      if (error instanceof Error) fromSource.add(error)
      throw error
    }
  }
}

/** Opening the source fails with the path in it; reading is marked. */
function isSourceError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { syscall, code } = error as NodeJS.ErrnoException
  return fromSource.has(error) || syscall === 'open' || code === 'ENXIO'
}

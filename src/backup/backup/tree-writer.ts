/**
 * Source entries → chunks and nodes. Spec: docs/spec/04-snapshot-and-head.md § Tree.
 * Invariant: a node is written after everything it refers to.
 */
import { compare, utf8 } from '../../base/bytes.ts'
import { deviceParts } from '../../base/disk.ts'
import { SlabPool } from '../kernel/slabs.ts'
import type { Parts } from '../parts.ts'
import type { ExportFound, Skipped } from '../requests.ts'
import type { Fill } from '../sources/fill.ts'
import { nameText } from '../sources/excludes.ts'
import { MetadataReader } from '../sources/metadata.ts'
import type { Owners } from '../sources/owners.ts'
import { readAhead, type AheadItem } from '../sources/read-file.ts'
import { isArchiveName } from '../sources/exports/recognise.ts'
import { isCompanionName } from '../sources/sqlite/database-header.ts'
import { walk, type FileEntry, type WalkDeps, type WalkEntry } from '../sources/walk.ts'
import { NodeListBuilder } from '../tree/list-builder.ts'
import type { NodeList, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import type { DirectoryMemory } from '../unchanged/directory-memory.ts'
import { Unchanged } from '../unchanged/unchanged.ts'
import type { Counters } from './counters.ts'
import { ContentReader } from './content-reader.ts'
import { DatabaseWriter } from './database-writer.ts'
import { ExportWriter } from './export-writer.ts'
import type { ChunkStore } from './content-deps.ts'
import type { Written } from './written.ts'

export interface TreeDeps {
  readonly parts: Parts
  readonly store: ChunkStore
  /** What was stored before. */
  readonly tree: TreeReader
  readonly counters: Counters
  readonly owners: Owners
  readonly walk: Omit<WalkDeps, 'unchanged'>
  /** Paths that must be databases. */
  readonly databases: ReadonlySet<string>
  /** Whether what was learnt for the next backup is kept: not by a dry run. */
  readonly save: boolean
  /** What decides, besides the entries, how directories are stored. */
  readonly settings: Uint8Array
  readonly forceRead: boolean
  readonly progress: () => void
  readonly skip: (skipped: Skipped) => void
  readonly leaveOut: (path: string, reason: string) => void
  /** An export or dump was recognised. */
  readonly found: (found: ExportFound) => void
}

type Ahead = AheadItem<ReturnType<ContentReader['start']>>
type FileItem = Extract<Ahead, { type: 'file' }>

interface OpenDirectory {
  readonly entry: WalkEntry
  readonly builder: NodeListBuilder
  readonly memory: DirectoryMemory | undefined
}

export class TreeWriter {
  readonly #deps: TreeDeps
  readonly #content: ContentReader
  readonly #databases: DatabaseWriter
  readonly #exports: ExportWriter
  readonly #metadata: MetadataReader
  /** From the root down to the directory at hand. */
  #open: OpenDirectory[] = []

  constructor(deps: TreeDeps) {
    this.#deps = deps
    this.#databases = new DatabaseWriter(deps)
    this.#metadata = new MetadataReader({
      disk: deps.parts.disk,
      owners: deps.owners,
      incomplete: (path, reason) => {
        this.#skip({ path: nameText(path), reason })
      },
    })
    const signal = deps.walk.signal
    this.#exports = new ExportWriter({ ...deps, signal })
    this.#content = new ContentReader({ ...deps, signal, slabs: slabsFor(deps.parts), exports: this.#exports })
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
    const { content, size } = await this.#content.stream(watched.fill)
    watched.done()
    counters.filesDone++
    const top = new NodeListBuilder(store)
    const mtimeNs = BigInt(parts.clock.now()) * 1_000_000n
    await top.push({ name: utf8(name), type: 'file', mode: 0o600, uid: 0, gid: 0, mtimeNs, size, content })
    return top.finish()
  }

  async #writeTree(root: WalkEntry): Promise<TreeNode | undefined> {
    const { parts, walk: walkDeps } = this.#deps
    const unchanged = new Unchanged(root.path, this.#deps)
    const items = readAhead(walk(root, { ...walkDeps, unchanged }), {
      items: parts.options.readAheadItems,
      start: (entry) => this.#start(entry),
      send: () => {
        this.#content.send()
      },
    })
    this.#open = []
    let top: TreeNode | undefined
    const done = async (node: TreeNode | undefined): Promise<void> => {
      if (node === undefined) return
      const parent = this.#open.at(-1)
      if (parent === undefined) top = node
      else await parent.builder.push(node)
    }
    for await (const item of items) {
      walkDeps.signal.throwIfAborted()
      if (item.type === 'enter') this.#enter(item)
      else if (item.type === 'part') item.memory.close()
      else if (item.type === 'leave') await done(await this.#closeDirectory(this.#open.pop()))
      else await done(await this.#writeItem(item))
    }
    unchanged.finish()
    return top
  }

  #enter(item: Extract<Ahead, { type: 'enter' }>): void {
    this.#open.push({ entry: item, builder: new NodeListBuilder(this.#deps.store), memory: item.memory })
  }

  async #closeDirectory(directory: OpenDirectory | undefined): Promise<TreeNode | undefined> {
    if (directory === undefined) return undefined
    this.#deps.counters.dirs++
    const { entry, builder, memory } = directory
    const list = await builder.finish()
    memory?.close(list)
    return { ...(await this.#metadata.of(entry)), list }
  }

  /** As it was stored before. */
  async #same(item: Extract<Ahead, { type: 'same' }>): Promise<TreeNode> {
    const { counters, progress } = this.#deps
    const { list, files, bytes } = item.stored
    counters.dirs++
    counters.filesDone += files
    counters.bytesDone += bytes
    progress()
    return { ...(await this.#metadata.of(item)), list }
  }

  #skip(skipped: Skipped): void {
    this.#open.at(-1)?.memory?.incomplete()
    this.#deps.skip(skipped)
  }

  async #writeItem(item: Exclude<Ahead, { type: 'enter' | 'part' | 'leave' }>): Promise<TreeNode | undefined> {
    if (item.type === 'file') return this.#writeFile(item)
    if (item.type === 'same') return this.#same(item)
    if (item.type === 'link') return { ...(await this.#metadata.of(item)), target: item.target }
    if (item.type === 'special') return this.#special(item)
    if (item.type === 'skipped') this.#skip({ path: item.path, reason: item.reason })
    else this.#deps.leaveOut(item.path, item.reason)
    return undefined
  }

  async #writeFile(item: FileItem): Promise<TreeNode | undefined> {
    const { counters, progress } = this.#deps
    if (this.#databases.isCompanion(item)) {
      item.memory?.incomplete()
      return undefined
    }
    const read = await this.#readFile(item)
    if ('error' in read) {
      this.#skip({ path: nameText(item.path), reason: read.error })
      return undefined
    }
    if (read.changed) this.#skip({ path: nameText(item.path), reason: 'changed while it was read' })
    item.memory?.remember(item, read)
    counters.filesDone++
    progress()
    return { ...(await this.#metadata.of(item, read.xattrs)), size: read.size, content: read.content }
  }

  /** A file that was stored under another of its names is not read again. */
  async #readFile(item: FileItem): Promise<Written> {
    const { links } = this.#metadata
    const known = links.known(item.stat)
    if (known !== undefined) {
      // What is remembered of this name was counted when it was looked up.
      if (item.started === undefined) this.#deps.counters.bytesDone += known.size
      return { ...known, changed: false }
    }
    const read = await this.#readContent(item)
    if (!('error' in read) && !read.changed) links.remember(item.stat, read)
    return read
  }

  /** Files that are remembered, or that may not have to be read at all, wait for nothing, or until it is their turn. */
  #start(item: FileEntry): ReturnType<ContentReader['start']> | undefined {
    const asked = this.#deps.databases.size > 0 && this.#deps.databases.has(nameText(item.path))
    const known = asked ? undefined : item.memory?.known(item)
    if (known !== undefined) return this.#content.known(item, known)
    const later = asked || item.stat.links > 1 || isCompanionName(item.name) || isArchiveName(nameText(item.name))
    return later ? undefined : this.#content.start(item)
  }

  async #readContent(item: FileItem): Promise<Written> {
    const asked = this.#deps.databases.has(nameText(item.path))
    const read = item.started === undefined ? 'database' : await item.started
    if (read !== 'database') return read
    const special = (await this.#databases.write(item, asked)) ?? (await this.#exports.write(item))
    return special ?? this.#content.plain(item)
  }

  async #special(entry: WalkEntry): Promise<TreeNode> {
    const { kind, rdev } = entry.stat
    const device = kind === 'char' || kind === 'block' ? { device: deviceParts(rdev) } : {}
    return { ...(await this.#metadata.of(entry)), ...device }
  }
}

/** Slabs a thread may have: one it cuts, two it packs, and one that is read meanwhile. */
const SLABS_PER_THREAD = 4

function slabsFor({ options, kernel }: Parts): SlabPool {
  const bytes = options.chunk.maxBytes + options.readBlockBytes
  return new SlabPool({ bytes, limit: SLABS_PER_THREAD * kernel.size })
}

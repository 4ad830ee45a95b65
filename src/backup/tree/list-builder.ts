/**
 * Lists too long for one object: extents of a file, nodes of a directory. Pieces are cut where the content says so, so
 * that a change in the middle leaves the other pieces as they were. Spec: docs/spec/04-snapshot-and-head.md § Lists.
 * Invariant: memory is bounded by one piece per level, whatever the length.
 */
import type { ChunkId } from '../../shard/index.ts'
import { encodeObject } from '../codec/object.ts'
import { encodeNodes, extentPlain, type Content, type Extent, type NodeList, type TreeNode } from './node.ts'

/** Stores one metadata object and gives its id. */
export interface ObjectStore {
  putObject(object: Uint8Array): Promise<ChunkId>
}

const INLINE_EXTENTS = 32
const INLINE_LISTS = 16
const MIN_ITEMS = 64
const MAX_ITEMS = 1024
const MIN_NODE_BYTES = 16 * 1024
const MAX_NODE_BYTES = 96 * 1024

/** Longer files are remembered by their lists. */
const MAX_REMEMBERED = 1024

/** Collects the extents of one file in order. */
export class ContentBuilder {
  readonly #store: ObjectStore
  #all: Extent[] | undefined = []
  readonly #levels: Extent[][] = [[]]

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** What is to be remembered of a file with this `content`: all extents in one, unless there are many. */
  remembered(content: Content): Content {
    return this.#all === undefined ? content : { depth: 0, extents: this.#all }
  }

  async push(extent: Extent): Promise<void> {
    if (this.#all !== undefined && this.#all.push(extent) > MAX_REMEMBERED) this.#all = undefined
    await this.#add(0, extent)
  }

  async finish(): Promise<Content> {
    for (let depth = 0; ; depth++) {
      const level = this.#levels[depth] ?? []
      if (depth === this.#levels.length - 1 && level.length <= INLINE_EXTENTS) return { depth, extents: level }
      await this.#flush(depth)
    }
  }

  async #add(depth: number, extent: Extent): Promise<void> {
    const level = (this.#levels[depth] ??= [])
    level.push(extent)
    if (level.length >= MAX_ITEMS || (level.length >= MIN_ITEMS && extent.chunk !== null && isCut(extent.chunk)))
      await this.#flush(depth)
  }

  async #flush(depth: number): Promise<void> {
    const level = this.#levels[depth] ?? []
    if (level.length === 0) return
    this.#levels[depth] = []
    const chunk = await this.#store.putObject(encodeObject('PXex', level.map(extentPlain)))
    await this.#add(depth + 1, { chunk, from: 0, length: level.reduce((sum, extent) => sum + extent.length, 0) })
  }
}

/** Collects the nodes of one directory, which must come in ascending order of their names. */
export class NodeListBuilder {
  readonly #store: ObjectStore
  #nodes: TreeNode[] = []
  #bytes = 0
  readonly #levels: ChunkId[][] = [[]]

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async push(node: TreeNode): Promise<void> {
    const bytes = estimate(node)
    if (this.#bytes + bytes > MAX_NODE_BYTES) await this.#flushNodes()
    this.#nodes.push(node)
    this.#bytes += bytes
    if (this.#bytes >= MAX_NODE_BYTES || (this.#bytes >= MIN_NODE_BYTES && isNameCut(node.name)))
      await this.#flushNodes()
  }

  async finish(): Promise<NodeList> {
    await this.#flushNodes()
    for (let depth = 0; ; depth++) {
      const level = this.#levels[depth] ?? []
      if (depth === this.#levels.length - 1 && level.length <= INLINE_LISTS) return { depth, chunks: level }
      await this.#flushIds(depth)
    }
  }

  async #flushNodes(): Promise<void> {
    if (this.#nodes.length === 0) return
    const nodes = this.#nodes
    this.#nodes = []
    this.#bytes = 0
    await this.#addId(0, await this.#store.putObject(encodeNodes(nodes)))
  }

  async #addId(depth: number, id: ChunkId): Promise<void> {
    const level = (this.#levels[depth] ??= [])
    level.push(id)
    if (level.length >= MAX_ITEMS || (level.length >= MIN_ITEMS && isCut(id))) await this.#flushIds(depth)
  }

  async #flushIds(depth: number): Promise<void> {
    const level = this.#levels[depth] ?? []
    if (level.length === 0) return
    this.#levels[depth] = []
    await this.#addId(depth + 1, await this.#store.putObject(encodeObject('PXtl', level)))
  }
}

function isCut(id: ChunkId): boolean {
  return ((id[31] ?? 0) & 0x7f) === 0
}

function isNameCut(name: Uint8Array): boolean {
  return (nameHash(name) & 0x3f) === 0
}

/** FNV-1a over the name: any mix will do, it only decides where lists are cut. */
export function nameHash(name: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash ^ (hash >>> 15)
}

function estimate(node: TreeNode): number {
  const lists = (node.content?.extents.length ?? 0) * 44 + (node.list?.chunks.length ?? 0) * 34
  const xattrs = (node.xattrs ?? []).reduce((sum, [name, value]) => sum + name.length + value.length + 8, 0)
  return 72 + node.name.length + lists + xattrs + (node.target?.length ?? 0) + (node.origin?.length ?? 0)
}

/**
 * Walking stored trees. Spec: docs/spec/04-snapshot-and-head.md § Tree, § Lists.
 * Invariants: what a hostile or damaged tree says is bounded (depth, counts, order) before it is followed; a walk that never
 * has to wait for bytes still lets others have their turn.
 */
import { compare } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { asBytes, asList, malformed } from '../codec/fields.ts'
import { decodeObject } from '../codec/object.ts'
import { limits } from '../options.ts'
import { decodeNodes, readExtent, type Content, type Extent, type NodeList, type TreeNode } from './node.ts'

/** Plaintext of a chunk, checked against its id. */
export type ReadChunk = (id: ChunkId) => Promise<Uint8Array>

/** Called at every step; what it gives is waited for. Throws when the walk is to stop. */
export type Pause = () => Promise<void> | undefined

/** Steps take the thread no longer than this. */
const TURN_MS = 20

/** Others have their turn whenever the walk had its own, and may have aborted it then. */
export function takeTurns(clock: Clock, signal: AbortSignal): Pause {
  let since = clock.elapsed()
  return () => {
    if (clock.elapsed() - since < TURN_MS) return undefined
    return clock.sleep(0, signal).then(() => {
      since = clock.elapsed()
    })
  }
}

export class TreeReader {
  readonly #read: ReadChunk
  readonly #pause: Pause

  constructor(read: ReadChunk, pause: Pause = () => undefined) {
    this.#read = read
    this.#pause = pause
  }

  /** The nodes of one directory in ascending order of their names, each name once. `after`: those behind that name. */
  async *nodes(list: NodeList, after?: Uint8Array): AsyncGenerator<TreeNode> {
    let last: Uint8Array | undefined
    let empty = 0
    for await (const id of this.#leaves(list)) {
      const nodes = decodeNodes(await this.#read(id))
      if (nodes.length === 0 && ++empty > 1) throw malformed('node list', 'empty')
      for (const node of nodes) {
        if (last !== undefined && compare(last, node.name) >= 0) throw malformed('node list', 'not in order')
        last = node.name
        await this.#pause()
        if (after === undefined || compare(after, last) < 0) yield node
      }
    }
  }

  /** The extents of a file in order, all lists followed. Throws when they do not add up to `size`. */
  async *extents(content: Content, size: number): AsyncGenerator<Extent> {
    let sum = 0
    // Most files have no lists, and there are very many of them.
    for await (const extent of content.depth === 0 ? content.extents : this.#flatten(content.depth, content.extents)) {
      sum += extent.length
      if (sum > size) break
      await this.#pause()
      yield extent
    }
    if (sum !== size) throw malformed('file', 'extents do not add up to its size')
  }

  /** Ids of the list objects a directory's nodes or a file's extents need, besides the nodes and extents themselves. */
  async *listChunks(node: { list?: NodeList; content?: Content }): AsyncGenerator<ChunkId> {
    if (node.list !== undefined) {
      for await (const { id } of this.lists(node.list)) yield id
      return
    }
    const content = node.content
    if (content !== undefined && content.depth > 0) yield* this.#extentLists(content.depth, content.extents)
  }

  /** All objects of a directory's list, those above before those below; the leaves hold its nodes. */
  async *lists({ depth, chunks }: NodeList): AsyncGenerator<{ readonly id: ChunkId; readonly isLeaf: boolean }> {
    for (const id of chunks) {
      await this.#pause()
      yield { id, isLeaf: depth === 0 }
      if (depth === 0) continue
      const plain = asList(decodeObject('PXtl', await this.#read(id), limits.objectBytes), 'list', limits.listItems)
      if (plain.length === 0) throw malformed('list', 'empty')
      yield* this.lists({
        depth: depth - 1,
        chunks: plain.map((item) => chunkId(asBytes(item, 'list', { length: 32 }))),
      })
    }
  }

  async *#leaves(list: NodeList): AsyncGenerator<ChunkId> {
    for await (const { id, isLeaf } of this.lists(list)) if (isLeaf) yield id
  }

  async *#flatten(depth: number, extents: readonly Extent[]): AsyncGenerator<Extent> {
    for (const extent of extents) {
      if (depth === 0) yield extent
      else yield* this.#flatten(depth - 1, await this.#extentList(extent))
    }
  }

  async *#extentLists(depth: number, extents: readonly Extent[]): AsyncGenerator<ChunkId> {
    for (const extent of extents) {
      if (extent.chunk === null) throw malformed('extent list', 'no chunk')
      yield extent.chunk
      if (depth > 1) yield* this.#extentLists(depth - 1, await this.#extentList(extent))
    }
  }

  async #extentList(extent: Extent): Promise<Extent[]> {
    if (extent.chunk === null) throw malformed('extent list', 'no chunk')
    const plain = decodeObject('PXex', await this.#read(extent.chunk), limits.objectBytes)
    const extents = asList(plain, 'extent list', limits.listItems).map(readExtent)
    const sum = extents.reduce((total, { length }) => total + length, 0)
    if (sum !== extent.length) throw malformed('extent list', 'lengths do not add up')
    return extents
  }
}

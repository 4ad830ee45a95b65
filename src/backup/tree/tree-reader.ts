/**
 * Walking stored trees. Spec: docs/spec/04-snapshot-and-head.md § Tree, § Lists.
 * Invariant: what a hostile or damaged tree says is bounded (depth, counts, order) before it is followed.
 */
import { compare } from '../../base/bytes.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { asBytes, asList, malformed } from '../codec/fields.ts'
import { decodeObject } from '../codec/object.ts'
import { limits } from '../options.ts'
import { decodeNodes, readExtent, type Content, type Extent, type NodeList, type TreeNode } from './node.ts'

/** Plaintext of a chunk, checked against its id. */
export type ReadChunk = (id: ChunkId) => Promise<Uint8Array>

export class TreeReader {
  readonly #read: ReadChunk

  constructor(read: ReadChunk) {
    this.#read = read
  }

  /** The nodes of one directory in ascending order of their names, each name once. */
  async *nodes(list: NodeList): AsyncGenerator<TreeNode> {
    let last: Uint8Array | undefined
    for await (const id of this.#leaves(list.depth, list.chunks)) {
      for (const node of decodeNodes(await this.#read(id))) {
        if (last !== undefined && compare(last, node.name) >= 0) throw malformed('node list', 'not in order')
        last = node.name
        yield node
      }
    }
  }

  /** The extents of a file in order, all lists followed. Throws when they do not add up to `size`. */
  async *extents(content: Content, size: number): AsyncGenerator<Extent> {
    let sum = 0
    for await (const extent of this.#flatten(content.depth, content.extents)) {
      sum += extent.length
      if (sum > size) break
      yield extent
    }
    if (sum !== size) throw malformed('file', 'extents do not add up to its size')
  }

  /** Ids of the list objects a directory's nodes or a file's extents need, besides the nodes and extents themselves. */
  async *listChunks(node: { list?: NodeList; content?: Content }): AsyncGenerator<ChunkId> {
    if (node.list !== undefined) {
      for await (const [id] of this.#lists(node.list.depth, node.list.chunks)) yield id
      return
    }
    const content = node.content
    if (content !== undefined && content.depth > 0) yield* this.#extentLists(content.depth, content.extents)
  }

  async *#leaves(depth: number, ids: readonly ChunkId[]): AsyncGenerator<ChunkId> {
    for await (const [id, level] of this.#lists(depth, ids)) if (level === 0) yield id
  }

  async *#lists(depth: number, ids: readonly ChunkId[]): AsyncGenerator<readonly [ChunkId, number]> {
    for (const id of ids) {
      yield [id, depth]
      if (depth === 0) continue
      const plain = asList(decodeObject('PXtl', await this.#read(id), limits.objectBytes), 'list', limits.listItems)
      yield* this.#lists(
        depth - 1,
        plain.map((item) => chunkId(asBytes(item, 'list', { length: 32 }))),
      )
    }
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

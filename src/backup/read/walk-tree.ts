/** Everything a snapshot refers to, chunk by chunk: for shard sets, verification and explaining what a shard is for. */
import type { ChunkId } from '../../shard/index.ts'
import type { NodeList } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { nameText } from '../sources/excludes.ts'

export interface ChunkUse {
  readonly chunk: ChunkId
  /** Names from the top of the snapshot; a directory's own lists come under the directory. */
  readonly path: string
  readonly metadata: boolean
}

/**
 * Unreadable metadata does not end the walk: `broken` is told the path, and what lies below it is left out.
 */
export async function* chunkUses(
  tree: TreeReader,
  list: NodeList,
  broken: (path: string, error: unknown) => void,
): AsyncGenerator<ChunkUse> {
  yield* inDirectory(tree, list, { path: '', broken })
}

interface Place {
  readonly path: string
  readonly broken: (path: string, error: unknown) => void
}

async function* inDirectory(tree: TreeReader, list: NodeList, place: Place): AsyncGenerator<ChunkUse> {
  const { path, broken } = place
  try {
    for await (const chunk of tree.listChunks({ list })) yield { chunk, path, metadata: true }
    for await (const node of tree.nodes(list)) {
      const inside = path === '' ? nameText(node.name) : `${path}/${nameText(node.name)}`
      if (node.list !== undefined) yield* inDirectory(tree, node.list, { path: inside, broken })
      if (node.content === undefined) continue
      if (node.content.depth > 0)
        for await (const chunk of tree.listChunks({ content: node.content }))
          yield { chunk, path: inside, metadata: true }
      for await (const { chunk } of tree.extents(node.content, node.size ?? 0))
        if (chunk !== null) yield { chunk, path: inside, metadata: false }
    }
  } catch (error) {
    broken(path, error)
  }
}

/** Which chunks the nodes of a list need, on a thread. Spec: docs/spec/04-snapshot-and-head.md § Tree. */
import { toPlexiError } from '../../base/errors.ts'
import type { ChunkId } from '../../shard/index.ts'
import { malformed } from '../codec/fields.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import { pack } from '../kernel/names.ts'
import { decodeNodes, type Extent, type TreeNode } from '../tree/node.ts'
import type { Uses, UsesJob, UsesResult } from './uses-job.ts'

/** Never throws: what is wrong is the result. */
export function usesOf({ nodes }: UsesJob): UsesResult {
  try {
    return usesOfNodes(decodeNodes(nodes))
  } catch (error) {
    return { malformed: toPlexiError(error).message }
  }
}

function usesOfNodes(nodes: readonly TreeNode[]): Uses {
  const ids: ChunkId[] = []
  const owners: number[] = []
  const directories: Uses['directories'][number][] = []
  const long: Uses['long'][number][] = []
  for (const [i, { list, content, size = 0 }] of nodes.entries()) {
    if (list !== undefined) directories.push({ node: i, list })
    if (content === undefined) continue
    if (content.depth > 0) {
      long.push({ node: i, size, content })
      continue
    }
    checkSum(content.extents, size)
    for (const { chunk } of content.extents) {
      if (chunk === null) continue
      ids.push(chunk)
      owners.push(i)
    }
  }
  const names = pack(nodes.map(({ name }) => name))
  return { ...names, ids: packed(ids), owners: Uint32Array.from(owners), directories, long }
}

function checkSum(extents: readonly Extent[], size: number): void {
  const sum = extents.reduce((total, { length }) => total + length, 0)
  if (sum !== size) throw malformed('file', 'extents do not add up to its size')
}

function packed(ids: readonly ChunkId[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * ID_BYTES)
  for (const [i, id] of ids.entries()) bytes.set(id, i * ID_BYTES)
  return bytes
}

/** Whether a file that looks intact has the content of the snapshot, chunk by chunk. */
import type { MacKey } from '../../crypto/hash.ts'
import { equal } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { chunkIdOf } from '../../shard/index.ts'
import type { TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { isZero } from './zeros.ts'

interface Deps {
  readonly disk: Disk
  readonly tree: TreeReader
  readonly idMac: MacKey
}

/** False also where parts of chunks leave it open: then the file is written again. */
export async function sameContent(path: Buffer, node: TreeNode, { disk, tree, idMac }: Deps): Promise<boolean> {
  if (node.content === undefined) return true
  const file = await disk.open(path, 'read')
  try {
    let at = 0
    for await (const { chunk, from, length } of tree.extents(node.content, node.size ?? 0)) {
      if (chunk === null) {
        if (!(await isZero(file, at, length))) return false
        at += length
        continue
      }
      if (from !== 0) return false
      const bytes = Buffer.alloc(length)
      if ((await file.read(bytes, at)) !== length || !equal(chunkIdOf(idMac, bytes), chunk)) return false
      at += length
    }
    return true
  } finally {
    await file.close()
  }
}

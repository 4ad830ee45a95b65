/**
 * A snapshot, or a part of it, as a tar stream: entries under the names a restore gives them, a file's further names as
 * hard links, holes as zeros. Sockets are left out, as tar has none. Invariant: memory is bounded by what is read ahead
 * of one file, and by the names of `MAX_LINKED` inodes; those beyond are written as files of their own.
 */
import { concat } from '../../base/bytes.ts'
import { selected } from '../restore/selected.ts'
import type { NodeList, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { tarEnd, tarHeader, tarPadding, type TarEntry } from './tar-header.ts'

export interface ArchiveDeps {
  readonly tree: TreeReader
  readonly signal: AbortSignal
  /** Plain bytes of a file. */
  content(node: TreeNode): AsyncIterable<Uint8Array>
}

const MAX_LINKED = 100_000
const PIECE_BYTES = 64 * 1024

/** Throws in the middle what cannot be read: half an archive must not look like a whole one. */
export async function* archive(found: TreeNode | NodeList, deps: ArchiveDeps): AsyncGenerator<Uint8Array> {
  yield* gathered(entries(found, deps))
}

async function* entries(found: TreeNode | NodeList, deps: ArchiveDeps): AsyncGenerator<Uint8Array> {
  const firsts = new Map<number, Uint8Array>()
  for await (const entry of selected(found, { tree: deps.tree, fullPaths: false })) {
    deps.signal.throwIfAborted()
    if ('error' in entry) throw entry.error
    const { path, node } = entry
    if (node.type === 'socket') continue
    const first = node.hardLink === undefined ? undefined : firsts.get(node.hardLink)
    if (first !== undefined) {
      yield tarHeader({ ...described(path, node), type: 'hard-link', size: 0, target: first })
      continue
    }
    if (node.hardLink !== undefined && firsts.size < MAX_LINKED) firsts.set(node.hardLink, path)
    yield tarHeader(described(path, node))
    if (node.type !== 'file') continue
    yield* deps.content(node)
    yield tarPadding(node.size ?? 0)
  }
  yield tarEnd
}

function described(path: Uint8Array, node: TreeNode): TarEntry {
  const { type, mode, uid, gid, user = '', group = '', mtimeNs, size = 0, target, device, xattrs } = node
  return {
    path: type === 'dir' ? concat(path, SLASH) : path,
    // Sockets never come here.
    type: type === 'socket' ? 'fifo' : type,
    ...{ mode, uid, gid, user, group, mtimeNs, size },
    ...(target === undefined ? {} : { target }),
    ...(device === undefined ? {} : { device }),
    ...(xattrs === undefined ? {} : { xattrs }),
  }
}

/** Many small pieces as few larger ones: a directory of small files is mostly headers. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < PIECE_BYTES) continue
    yield concat(...waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield concat(...waiting)
}

const SLASH = new Uint8Array([0x2f])

/**
 * The bytes of one file, or a part of them, in order. What comes next is read ahead, so that shards are fetched beside
 * each other. Invariant: memory is bounded by `AHEAD` chunks, whatever the file or its holes.
 */
import { MiB } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Extent, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import type { ChunkReader } from './chunk-reader.ts'

export interface ByteRange {
  readonly from: number
  readonly length: number
}

interface ContentDeps {
  readonly tree: TreeReader
  readonly chunks: ChunkReader
  readonly signal: AbortSignal
}

const AHEAD = 32
const zeros = new Uint8Array(MiB)

/** Throws `STORAGE_CHUNK_CORRUPT`, `STORAGE_UNRESTORABLE`, and what `TreeReader.extents` throws. */
export async function* readContent(
  { content, size = 0 }: TreeNode,
  deps: ContentDeps,
  range: ByteRange = { from: 0, length: size },
): AsyncGenerator<Uint8Array> {
  if (content === undefined) return
  const reading: Promise<Uint8Array>[] = []
  for await (const piece of pieces(deps.tree.extents(content, size), range)) {
    const bytes = read(piece, deps)
    // Told to whoever takes it from the row; nobody does where reading was broken off.
    bytes.catch(() => undefined)
    reading.push(bytes)
    if (reading.length > AHEAD) yield (await reading.shift()) as Uint8Array
  }
  for (const bytes of reading) yield await bytes
}

/** The extents within `range`, holes cut into blocks. */
async function* pieces(extents: AsyncIterable<Extent>, { from, length }: ByteRange): AsyncGenerator<Extent> {
  const to = from + length
  let at = 0
  for await (const extent of extents) {
    const start = Math.max(from - at, 0)
    const end = Math.min(to - at, extent.length)
    if (extent.chunk !== null && start < end)
      yield { chunk: extent.chunk, from: extent.from + start, length: end - start }
    if (extent.chunk === null)
      for (let hole = start; hole < end; hole += zeros.length)
        yield { chunk: null, from: 0, length: Math.min(zeros.length, end - hole) }
    at += extent.length
    if (at >= to) return
  }
}

async function read({ chunk, from, length }: Extent, { chunks, signal }: ContentDeps): Promise<Uint8Array> {
  signal.throwIfAborted()
  if (chunk === null) return zeros.subarray(0, length)
  const bytes = await chunks.read(chunk, signal)
  if (from + length > bytes.length) throw new PlexiError('STORAGE_CHUNK_CORRUPT')
  return bytes.subarray(from, from + length)
}

/** Named pieces as the extents of a file. */
import { chunkId } from '../../shard/index.ts'
import type { Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { ContentBuilder } from '../tree/list-builder.ts'
import type { Extent } from '../tree/node.ts'

/** Extents of pieces that follow each other; returns their bytes. */
export async function pushExtents(pieces: Pieces, builder: ContentBuilder): Promise<number> {
  let bytes = 0
  for (let i = 0; i < pieces.lengths.length; i++) {
    const extent = extentOf(pieces, i)
    await builder.push(extent)
    bytes += extent.length
  }
  return bytes
}

/** A whole piece; its id goes on living in the memory of all. */
export function extentOf({ ids, lengths }: Pieces, i: number): Extent {
  return { chunk: chunkId(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)), from: 0, length: lengths[i] as number }
}

/** Named pieces as the extents of a file. */
import { chunkId } from '../../shard/index.ts'
import type { Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { ContentBuilder } from '../tree/list-builder.ts'

/** Extents of pieces that follow each other; returns their bytes. */
export async function pushExtents({ ids, lengths }: Pieces, builder: ContentBuilder): Promise<number> {
  let bytes = 0
  for (const [i, length] of lengths.entries()) {
    await builder.push({ chunk: chunkId(ids.slice(i * ID_BYTES, (i + 1) * ID_BYTES)), from: 0, length })
    bytes += length
  }
  return bytes
}

/** What reading content needs, and where it puts it. */
import type { ChunkId } from '../../shard/index.ts'
import type { Pieces } from '../kernel/jobs.ts'
import type { SlabPool } from '../kernel/slabs.ts'
import type { Parts } from '../parts.ts'
import type { ObjectStore } from '../tree/list-builder.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import type { Counters } from './counters.ts'
import type { ExportWriter } from './export-writer.ts'

/** Where chunks go: the writer, or nowhere for a dry run. */
export interface ChunkStore extends ObjectStore {
  /** Named pieces of file content that lie one after the other in `slab`, which is free again when it resolves. */
  putPieces(slab: Uint8Array, pieces: Pieces): Promise<void>
  /** Whether a chunk stored by an earlier backup may be referred to again; then what is written now needs it. */
  reuse(id: ChunkId): boolean
}

export interface ContentDeps {
  readonly parts: Parts
  readonly store: ChunkStore
  /** What was stored before. */
  readonly tree: TreeReader
  readonly slabs: SlabPool
  readonly counters: Counters
  readonly exports: Pick<ExportWriter, 'watch' | 'look'>
  readonly signal: AbortSignal
  readonly progress: () => void
}

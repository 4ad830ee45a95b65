/**
 * Which shards a snapshot needs, also for snapshots taken over from a head: their trees are walked once and the result
 * is kept.
 */
import type { ChunkId } from '../../shard/index.ts'
import type { NamedSnapshot } from '../snapshot/find.ts'
import type { Session } from '../session.ts'
import { chunkUses } from './walk-tree.ts'

/** Numbers of the shards; 0 stands for the head. Walks the tree where the catalogue does not know. */
export async function shardSet(
  session: Session,
  { row, snapshot }: NamedSnapshot,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  if (row.shards !== undefined) return row.shards
  const shards = new Set<number>()
  const locate = session.chunks.locator()
  let missing = 0
  const take = (chunk: ChunkId): void => {
    const found = locate(chunk)
    if (found !== undefined) shards.add(found.no)
    else if (session.parts.inline.holds(chunk)) shards.add(0)
    else missing++
  }
  take(row.chunk)
  const broken = (): void => {
    missing++
  }
  for await (const { chunk } of chunkUses(session.tree(signal), snapshot.tree, broken)) {
    signal.throwIfAborted()
    take(chunk)
  }
  if (missing === 0)
    session.parts.catalogue.commit(() => {
      session.parts.catalogue.snapshots.setShards(row.no, shards)
    })
  return shards
}

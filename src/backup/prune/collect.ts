/** Cleaning up at home: what costs room here and is of no use to anybody. Nothing that is stored elsewhere changes. */
import { SHARD_BYTES } from '../../shard/index.ts'
import type { CollectSummary } from '../requests.ts'
import type { Session } from '../session.ts'

/** To be called while nobody writes. */
export async function collectGarbage(session: Session, signal: AbortSignal): Promise<CollectSummary> {
  const { catalogue, index, outbox, clock } = session.parts
  const startedAt = clock.elapsed()
  await session.placer.settle()
  const orphans = await outbox.removeOrphans(catalogue)
  const indexEntries = await index.compact(signal)
  const catalogueBytes = catalogue.compact()
  const freedBytes = orphans * SHARD_BYTES + catalogueBytes
  return { type: 'summary', freedBytes, orphans, indexEntries, seconds: (clock.elapsed() - startedAt) / 1000 }
}

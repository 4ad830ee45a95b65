/**
 * Packing again what lives in thin stripes. Spec: docs/spec/04-snapshot-and-head.md § Pruning.
 * Invariant: chunks that move are in durable shards before the catalogue gives up where they were.
 */
import { chunkIdOf } from '../../shard/index.ts'
import { equal, toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { PruneProgress } from '../requests.ts'
import type { Session } from '../session.ts'
import { findAgain } from './find-again.ts'
import type { LiveSet } from './live-set.ts'
import type { SweepPlan } from './sweep-plan.ts'

/** Data shards read between two commits: about half of them is written. */
const SHARDS_AT_ONCE = 32

interface Repack {
  readonly live: LiveSet
  readonly plan: SweepPlan
  readonly signal: AbortSignal
  readonly progress: (progress: PruneProgress) => void
}

/** Returns the number of stripes packed again. What cannot be read stays where it is. */
export async function repack(session: Session, work: Repack): Promise<number> {
  const { catalogue } = session.parts
  let batch: number[] = []
  let shards = 0
  let done = 0
  for (const no of work.plan.repack) {
    batch.push(no)
    shards += catalogue.stripes.get(no)?.k ?? 0
    if (shards < SHARDS_AT_ONCE) continue
    done += await repackBatch(session, batch, work)
    batch = []
    shards = 0
    const filesTotal = work.plan.repack.length
    work.progress({
      ...{ type: 'progress', phase: 'packing', filesDone: done, filesTotal },
      ...{ bytesDone: 0, bytesTotal: 0, totalKnown: true },
    })
  }
  return done + (batch.length === 0 ? 0 : await repackBatch(session, batch, work))
}

async function repackBatch(session: Session, stripes: readonly number[], work: Repack): Promise<number> {
  const { catalogue, index } = session.parts
  const writer = session.writer(work.signal, { place: true, note: () => undefined })
  try {
    if (session.former.group === undefined) await session.former.refresh(work.signal)
    const moved: ShardRow[] = []
    const given: number[] = []
    for (const no of stripes) {
      const data = catalogue.shards.ofStripe(no).slice(0, catalogue.stripes.get(no)?.k)
      const chunks = await livingChunks(session, data, work)
      if (chunks === undefined) continue
      await writer.repack(chunks)
      moved.push(...data)
      given.push(no)
    }
    await writer.flush((newShards) => {
      const elsewhere = moved.flatMap(({ no }) => [...(work.live.superseded.get(no) ?? [])])
      catalogue.snapshots.moveUses(new Set(moved.map(({ no }) => no)), [...newShards, ...elsewhere])
      for (const no of given) catalogue.stripes.setState(no, 'retired')
      catalogue.touch()
    })
    await index.drop(moved.map(({ no, id }) => ({ id, prefixes: catalogue.shards.prefixes(no) })))
    await findAgain(session.parts, work.live, new Set(moved.map(({ no }) => no)))
    await writer.formTail()
    return given.length
  } finally {
    await writer.idle()
  }
}

type Chunks = Parameters<ReturnType<Session['writer']>['repack']>[0]

/** Undefined when a shard cannot be read. */
async function livingChunks(session: Session, data: readonly ShardRow[], work: Repack): Promise<Chunks | undefined> {
  const { keys, log } = session.parts
  try {
    const chunks: Chunks[number][] = []
    for (const shard of data) {
      const opened = await session.reader.openOnce(shard, work.signal)
      for (const { id } of opened.chunks) {
        if (!work.live.needs(shard.no, id)) continue
        const bytes = opened.read(id)
        if (bytes === undefined || !equal(chunkIdOf(keys.shared.idMac, bytes), id))
          throw new PlexiError('STORAGE_CHUNK_CORRUPT', { chunk: toHex(id) })
        chunks.push({ id, bytes })
      }
    }
    return chunks
  } catch (error) {
    work.signal.throwIfAborted()
    log.warn('a stripe cannot be read and stays as it is', { error: String(error) })
    return undefined
  }
}

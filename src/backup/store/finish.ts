/**
 * How a backup ends: a little rides in the head, more goes into shards together with what rode there before and an
 * under-filled last shard. Spec: docs/spec/04-snapshot-and-head.md § Inline, § Tail.
 * Invariant: chunks that move are in durable shards before the catalogue forgets where they were.
 */
import { SHARD_BYTES, type ChunkId } from '../../shard/index.ts'
import { makeFrame } from '../head/inline.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { ShardReader } from '../read/shard-reader.ts'
import type { ChunkWriter } from './chunk-writer.ts'

interface FinishDeps {
  readonly parts: Parts
  readonly writer: ChunkWriter
  readonly reader: ShardReader
  readonly signal: AbortSignal
}

/** Waiting bytes that may still compress to what the head has room for. */
const WORTH_TRYING = 1024 * 1024

/** Commits all that waits, then `record` in the same catalogue commit as the last of it. */
export async function finishWriting(deps: FinishDeps, record: (needed: Set<number>) => void): Promise<void> {
  const { parts, writer } = deps
  const { inline, options } = parts
  const room = inline.frames.length < limits.inlineFrames ? options.maxInlineBytes - inline.storedBytes : 0
  await writer.settle()
  // The estimate knows no compression yet when little was written: worth a try.
  if (room > 0 && writer.waitingBytes <= WORTH_TRYING && (await rideInHead(deps, room, record))) return
  await intoShards(deps, record)
}

/** False when there is more than the head has room for: its chunks wait again. */
async function rideInHead(
  { parts, writer }: FinishDeps,
  room: number,
  record: (needed: Set<number>) => void,
): Promise<boolean> {
  const chunks = await writer.takeWaiting()
  const frame = await makeFrame(chunks)
  if (frame === undefined || frame.bytes.length + chunks.length * 40 + 32 > room) {
    await writer.repack(chunks)
    return false
  }
  parts.catalogue.commit(() => {
    if (chunks.length > 0) {
      parts.inline.store(frame)
      writer.needed.add(0)
    }
    record(writer.needed)
    parts.catalogue.touch()
  })
  parts.inline.load()
  return true
}

async function intoShards(
  { parts, writer, reader, signal }: FinishDeps,
  record: (needed: Set<number>) => void,
): Promise<void> {
  const { catalogue } = parts
  await writer.mark()
  // What is cleared below is what moves here, also where reading it failed after an earlier commit.
  parts.inline.load()
  const tail = await readTail(parts, reader, signal)
  await writer.repack(parts.inline.chunks())
  if (tail !== undefined) await writer.repack(tail.chunks)
  const moved = new Set(tail === undefined ? [0] : [0, tail.shard])
  await writer.flush((newShards) => {
    const touched = [...moved].filter((no) => writer.needed.delete(no))
    if (touched.length > 0) newShards.forEach((no) => writer.needed.add(no))
    catalogue.heads.clearFrames()
    catalogue.snapshots.moveUses(moved, newShards)
    if (tail !== undefined) catalogue.stripes.setState(tail.stripe, 'retired')
    record(writer.needed)
    catalogue.touch()
  })
  parts.inline.load()
  if (tail !== undefined) await dropBodies(parts, tail.stripe)
}

interface Tail {
  readonly stripe: number
  readonly shard: number
  readonly chunks: { id: ChunkId; bytes: Uint8Array }[]
}

/**
 * The newest stripe ever made here, when it is one under-filled data shard that no index root describes and that can be
 * read. Never another: other devices rely on every stripe but the last one that a head names (§ Several devices). Who may
 * not release leaves it: nothing would be won.
 */
async function readTail(parts: Parts, reader: ShardReader, signal: AbortSignal): Promise<Tail | undefined> {
  const { catalogue, keys } = parts
  const stripe = catalogue.stripes.outsideRoots().at(-1)
  if (stripe?.own !== true || stripe.k !== 1 || stripe.no !== catalogue.stripes.newestOwn()) return undefined
  if (!keys.grants.includes('release')) return undefined
  const shard = catalogue.shards.ofStripe(stripe.no)[0]
  if (shard === undefined || shard.lost || shard.usedBytes === 0 || shard.usedBytes >= SHARD_BYTES / 2) return undefined
  try {
    const opened = await reader.open(shard, signal)
    const chunks = opened.chunks.flatMap(({ id }) => {
      const bytes = opened.read(id)
      return bytes === undefined ? [] : [{ id, bytes }]
    })
    return { stripe: stripe.no, shard: shard.no, chunks }
  } catch (error) {
    signal.throwIfAborted()
    parts.log.warn('the last shard could not be read and stays as it is', { error: String(error) })
    return undefined
  }
}

async function dropBodies(parts: Parts, stripe: number): Promise<void> {
  const shards = parts.catalogue.shards.ofStripe(stripe).filter((shard) => shard.inOutbox)
  const bodies = [...new Map(shards.map((shard) => [shard.no, shard])).values()]
  parts.catalogue.commit(() => {
    parts.catalogue.shards.leaveOutbox(bodies.map((shard) => shard.no))
  })
  await parts.outbox.remove(bodies.map((shard) => shard.id))
}

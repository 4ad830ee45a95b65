/**
 * Chunks → dedup → packer → outbox → index → catalogue. Spec: docs/spec/04-snapshot-and-head.md § Order of writes.
 * Invariant: outbox fsync, then index (synced), then catalogue, in that order; what a crash leaves is stored again.
 */
import { view } from '../../base/bytes.ts'
import { chunkId, chunkIdOf, type ChunkId } from '../../shard/index.ts'
import { PREFIX_BYTES, prefixesOf } from '../catalogue/chunk-index.ts'
import { hasTag, type ObjectTag } from '../codec/object.ts'
import { newestEpoch } from '../engine-keys.ts'
import type { Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { Parts } from '../parts.ts'
import type { ObjectStore } from '../tree/list-builder.ts'
import { Packers, type LooseChunk, type NewShard, type SealedBody } from './packers.ts'
import type { Placer, PlacementNote } from './placer.ts'
import type { StripeFormer } from './stripe-former.ts'

export interface WriterDeps {
  readonly parts: Parts
  readonly former: StripeFormer
  readonly placer: Placer
  readonly signal: AbortSignal
  readonly note: (note: PlacementNote) => void
  /** Form and place stripes as soon as there are k shards. */
  readonly place: boolean
}

interface Commit {
  readonly batch: readonly NewShard[]
  readonly puts: readonly Promise<void>[]
  readonly work: CommitWork
}

/** More to do inside the catalogue's commit; gets the numbers of the shards sealed by the last flush. */
export type CommitWork = (newShards: readonly number[]) => void

const KNOWN_CACHE = 65_536
/** Bodies on their way to the disk: each takes memory until it is there. */
const WRITES_AT_ONCE = 8

export class ChunkWriter implements ObjectStore {
  readonly #deps: WriterDeps
  readonly #packers: Packers
  /** What it seals with to its end, also when a newer one is made meanwhile. */
  readonly #epoch: number
  /** Prefixes of chunks in the packer or in shards not committed yet. */
  readonly #pending = new Set<string>()
  /** Shard id → number, for shards whose chunks may be relied on. */
  readonly #known = new Map<string, number>()
  #batch: NewShard[] = []
  #puts: Promise<void>[] = []
  /** Bodies whose memory is not given back yet; none of these rejects. */
  readonly #writing = new Set<Promise<void>>()
  #commits: Promise<void> = Promise.resolve()
  #sinceMark: number[] = []
  #asking: Promise<void> | undefined
  /** Numbers of the shards that what was put so far needs; 0: the head itself. */
  readonly needed = new Set<number>()
  readonly stats = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0 }

  constructor(deps: WriterDeps) {
    this.#deps = deps
    const epoch = newestEpoch(deps.parts.keys)
    this.#epoch = epoch.epoch
    const { kernel } = deps.parts
    this.#packers = new Packers({ epoch }, { kernel, take: (bodies) => this.#sealed(bodies) })
  }

  /** Bytes of a shard that chunks not sealed yet will take. `settle` first. */
  get waitingBytes(): number {
    return this.#packers.waitingBytes
  }

  /** Waits until everything put so far is with a packer or sealed. */
  settle(): Promise<void> {
    return this.#packers.settle()
  }

  /** Named pieces that lie one after the other from the start of `slab`, which is free again when it resolves. */
  async putPieces(slab: Uint8Array, pieces: Pieces): Promise<void> {
    const fresh = this.#freshOf(pieces)
    if (fresh.lengths.length > 0) await this.#packers.add(slab, fresh, 'data')
  }

  /** Whether a chunk may be referred to without its bytes; what is written now needs it then. */
  reuse(id: ChunkId): boolean {
    return this.#isKnown(id, keyOf(id))
  }

  async putObject(object: Uint8Array): Promise<ChunkId> {
    const id = chunkIdOf(this.#deps.parts.keys.shared.idMac, object)
    const key = keyOf(id)
    if (this.#isKnown(id, key)) return id
    this.#pending.add(key)
    this.stats.newBytes += object.length
    await this.#packers.addLoose({ id, bytes: object }, 'metadata')
    return id
  }

  /** Stores an object also where an equal one is known: for what must not depend on older shards. */
  async putAgain(object: Uint8Array): Promise<ChunkId> {
    const id = chunkIdOf(this.#deps.parts.keys.shared.idMac, object)
    await this.repack([{ id, bytes: object }])
    return id
  }

  /** Packs chunks again that live elsewhere: what they need is not recorded as needed here. */
  async repack(chunks: readonly LooseChunk[]): Promise<void> {
    for (const chunk of chunks) {
      this.#pending.add(keyOf(chunk.id))
      await this.#packers.addLoose(chunk, looksLikeMetadata(chunk.bytes) ? 'metadata' : 'data')
    }
  }

  /** Seals and commits everything; `work` runs in the last catalogue commit, with all shards sealed since `mark`. */
  async flush(work: CommitWork = () => undefined): Promise<void> {
    await this.#packers.flush()
    await this.#commit(work)
    await this.#commits
  }

  /** Hands back what is not sealed, after committing what is. */
  async takeWaiting(): Promise<LooseChunk[]> {
    const chunks = await this.#packers.takeWaiting()
    await this.#commit(() => undefined)
    await this.#commits
    return chunks
  }

  /** From here on `flush` tells its work about new shards. */
  async mark(): Promise<void> {
    await this.#packers.settle()
    await this.#commit(() => undefined)
    await this.#commits
    this.#sinceMark = []
  }

  /** Those that have to be stored, with where they lie. From here on they count as known. */
  #freshOf({ ids, lengths }: Pieces): Pieces & { offsets: Uint32Array } {
    const fresh = {
      ids: new Uint8Array(ids.length),
      lengths: lengths.slice(),
      offsets: new Uint32Array(lengths.length),
    }
    const text = textOf(ids)
    let count = 0
    let at = 0
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i] as number
      const id = chunkId(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES))
      const key = keyIn(text, i)
      if (!this.#isKnown(id, key)) {
        this.#pending.add(key)
        this.stats.newBytes += length
        fresh.ids.set(id, count * ID_BYTES)
        fresh.lengths[count] = length
        fresh.offsets[count++] = at
      }
      at += length
    }
    const { offsets } = fresh
    return {
      ids: fresh.ids.subarray(0, count * ID_BYTES),
      lengths: fresh.lengths.subarray(0, count),
      offsets: offsets.subarray(0, count),
    }
  }

  #isKnown(id: ChunkId, key: string): boolean {
    if (this.#pending.has(key)) return true
    const { inline, index } = this.#deps.parts
    if (inline.has(id)) {
      this.needed.add(0)
      return true
    }
    const shard = index.find(id)
    if (shard === undefined) return false
    const no = this.#shardNumber(view(shard).toString('latin1'), shard)
    if (no === 0) return false
    this.needed.add(no)
    return true
  }

  /**
   * 0 when the catalogue does not know the shard, or it is lost, given back, or in a stripe that another device may
   * replace: its chunks are stored again.
   */
  #shardNumber(key: string, id: Parameters<Parts['catalogue']['shards']['find']>[0]): number {
    const cached = this.#known.get(key)
    if (cached !== undefined) return cached
    const { shards, stripes, others } = this.#deps.parts.catalogue
    const row = shards.find(id)
    const stripe = stripes.get(row?.stripe ?? 0)
    const replaceable = stripe?.own === false && others.isTail(stripe.no)
    const gone = stripe?.state === 'retired' || stripe?.state === 'released' || replaceable
    const no = row === undefined || row.lost || gone ? 0 : row.no
    if (this.#known.size >= KNOWN_CACHE) this.#known.clear()
    this.#known.set(key, no)
    return no
  }

  async #sealed(bodies: readonly SealedBody[]): Promise<void> {
    const { parts, signal } = this.#deps
    for (const body of bodies) {
      await this.#room()
      while (this.#writing.size >= WRITES_AT_ONCE) await Promise.race(this.#writing)
      signal.throwIfAborted()
      const { shard, bytes } = body
      const put = parts.outbox.put(shard.id, bytes)
      this.#puts.push(put)
      this.#track(put, body)
      this.#batch.push(shard)
      this.stats.storedBytes += shard.usedBytes
      this.stats.newShards++
    }
    if (this.#batch.length >= parts.options.shardsPerCommit) await this.#commit(() => undefined)
  }

  /** Its memory is free again, and there is room for another write, however this one ends. */
  #track(put: Promise<void>, body: SealedBody): void {
    const writing = put
      .catch(() => undefined)
      .then(() => {
        this.#writing.delete(writing)
        this.#packers.giveBack(body)
      })
    this.#writing.add(writing)
  }

  /** Makes what was sealed findable. One commit runs while the next batch fills. */
  async #commit(work: CommitWork): Promise<void> {
    await this.#commits
    const batch = this.#batch
    const puts = this.#puts
    this.#batch = []
    this.#puts = []
    this.#commits = this.#commitBatch({ batch, puts, work })
    this.#commits.catch(() => undefined)
  }

  async #commitBatch(todo: Commit): Promise<void> {
    const { batch, puts } = todo
    const ended = await Promise.allSettled(puts)
    try {
      for (const end of ended) if (end.status === 'rejected') throw end.reason as Error
      await this.#makeFindable(todo)
    } catch (error) {
      await this.#forget(batch)
      throw error
    }
    for (const { ids } of batch) {
      const text = textOf(ids)
      for (let i = 0; i < ids.length / ID_BYTES; i++) this.#pending.delete(keyIn(text, i))
    }
    if (this.#deps.place && batch.length > 0) await this.#stripes(false)
  }

  async #makeFindable({ batch, work }: Commit): Promise<void> {
    const { catalogue, index, outbox } = this.#deps.parts
    const rows = batch.map((shard) => ({ shard, prefixes: prefixesOf(shard.ids) }))
    const number = catalogue.indexed + 1
    const epoch = this.#epoch
    if (batch.length > 0) {
      await outbox.sync()
      await index.add(
        rows.map(({ shard, prefixes }) => ({ id: shard.id, prefixes })),
        number,
      )
    }
    try {
      catalogue.commit(() => {
        for (const { shard, prefixes } of rows) {
          const { id, kind, usedBytes } = shard
          const no = catalogue.shards.add({ id, parity: false, kind, epoch, usedBytes, prefixes, inOutbox: true })
          this.needed.add(no)
          this.#sinceMark.push(no)
        }
        if (batch.length > 0) catalogue.setIndexed(number)
        work(this.#sinceMark)
      })
    } catch (error) {
      if (batch.length > 0) await index.takeBack().catch(() => undefined)
      throw error
    }
  }

  /** Bodies the catalogue will never name. What cannot be removed now is removed at the next start. */
  async #forget(batch: readonly NewShard[]): Promise<void> {
    const { outbox } = this.#deps.parts
    await outbox.remove(batch.map((shard) => shard.id)).catch(() => undefined)
  }

  async #stripes(tail: boolean): Promise<void> {
    const { former, placer, signal, note } = this.#deps
    const formed = await former.form(tail)
    this.stats.stripes += formed.length
    for (const stripe of formed) placer.start(stripe, signal, note)
  }

  /** To be awaited when writing ends or is given up: no commit is running any more, what was not committed is removed. */
  async idle(): Promise<void> {
    await this.#packers.idle()
    await this.#commits.catch(() => undefined)
    await Promise.all(this.#writing)
    await this.#forget(this.#batch)
    this.#batch = []
    this.#puts = []
  }

  /** Forms the last, short stripe. */
  async formTail(): Promise<void> {
    if (this.#deps.place) await this.#stripes(true)
  }

  /** Waits for room in the outbox. What was sealed is committed first: only then can it leave. */
  async #room(): Promise<void> {
    const { parts, signal } = this.#deps
    if (!parts.outbox.full) return
    await this.#commit(() => undefined)
    await this.#commits
    await parts.outbox.waitForRoom(signal, () => {
      this.#asking ??= this.#askAgain().finally(() => {
        this.#asking = undefined
      })
    })
    await this.#asking
  }

  /** Hosts are the only way out. Failures only mean that they will be asked again. */
  async #askAgain(): Promise<void> {
    const { placer, signal, note, former, parts } = this.#deps
    try {
      if (former.group === undefined) await former.refresh(signal)
      await this.#stripes(false)
      placer.startQueued(signal, note)
    } catch (error) {
      if (!signal.aborted) parts.log.warn('no hosts for a full outbox', { error: String(error) })
    }
  }
}

const metadataTags: readonly ObjectTag[] = ['PXtn', 'PXtl', 'PXex', 'PXsn', 'PXsl', 'PXix']

function looksLikeMetadata(bytes: Uint8Array): boolean {
  return metadataTags.some((tag) => hasTag(tag, bytes))
}

function keyOf(id: Uint8Array): string {
  return keyIn(textOf(id), 0)
}

/** Ids as text: one call for all of them. */
function textOf(ids: Uint8Array): string {
  return view(ids).toString('latin1')
}

function keyIn(text: string, i: number): string {
  return text.slice(i * ID_BYTES, i * ID_BYTES + PREFIX_BYTES)
}

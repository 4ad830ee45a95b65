/**
 * The engine's working parts put together: readers, stripe former, placer, publisher. One per open engine.
 * Invariant: one writer at a time; placing goes on beside it.
 */
import { toPlexiError } from '../base/errors.ts'
import { Semaphore } from '../base/queue.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { openNotice, type FoundHead } from '../shard/index.ts'
import { adoptHeads, type Adoption, type AdoptUse, type Alarm } from './adopt/adopt.ts'
import { FORKED } from './adopt/own-head.ts'
import { describeStripes } from './head/describe.ts'
import { HeadPublisher } from './head/publisher.ts'
import { headMayGo } from './health.ts'
import type { Parts } from './parts.ts'
import { releaseRetired } from './prune/release.ts'
import { ChunkReader } from './read/chunk-reader.ts'
import { ShardReader } from './read/shard-reader.ts'
import { ChunkWriter } from './store/chunk-writer.ts'
import { finishWriting } from './store/finish.ts'
import { Placer, type PlacementNote } from './store/placer.ts'
import { StripeFormer } from './store/stripe-former.ts'
import { takeTurns, TreeReader } from './tree/tree-reader.ts'

const MAX_ALARMS = 8

export class Session {
  readonly parts: Parts
  readonly former: StripeFormer
  readonly placer: Placer
  readonly publisher: HeadPublisher
  readonly reader: ShardReader
  readonly chunks: ChunkReader
  readonly #writing = new Semaphore(1)
  #readers = 0
  #writers = 0
  /** A head of this device was found on hosts and judged since the engine was opened, or since a host refused one. */
  #looked = false
  /** About this very device, since the engine was opened. */
  readonly alarms: Alarm[] = []

  constructor(parts: Parts) {
    this.parts = parts
    this.former = new StripeFormer(parts)
    this.placer = new Placer(parts)
    this.publisher = new HeadPublisher(parts)
    this.reader = new ShardReader(parts)
    this.chunks = new ChunkReader(parts, this.reader)
  }

  /** Runs work that writes; others wait. */
  async exclusive<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#writers++
    try {
      return await this.#writing.run(async () => {
        await this.#checkBodies(signal)
        return this.parts.kernel.use(work)
      }, signal)
    } finally {
      this.#writers--
    }
  }

  /** Before anything new relies on what may have gone bad in the outbox: nothing is being placed yet. */
  async #checkBodies(signal: AbortSignal): Promise<void> {
    const { outbox, catalogue, log } = this.parts
    const damaged = await outbox.giveUpDamaged(catalogue, signal)
    if (damaged > 0) log.warn('damaged shards in the outbox were given up', { damaged })
  }

  /** Whether something writes or waits to. */
  get busy(): boolean {
    return this.#writers > 0
  }

  /** Runs work that plans ahead which shards it will read: nothing is released meanwhile. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++
    try {
      return await this.parts.kernel.use(work)
    } finally {
      this.#readers--
    }
  }

  /** Whether somebody relies on shards that were replaced since. */
  get beingRead(): boolean {
    return this.#readers > 0
  }

  /** A reader of its own per job, so that host faults are told to whoever reads. */
  tree(signal: AbortSignal, chunks: ChunkReader = this.chunks): TreeReader {
    return new TreeReader((id) => chunks.read(id, signal), takeTurns(this.parts.clock, signal))
  }

  writer(signal: AbortSignal, use: { place: boolean; note: (note: PlacementNote) => void }): ChunkWriter {
    const { parts, former, placer } = this
    return new ChunkWriter({ parts, former, placer, signal, ...use })
  }

  /** One attempt to bring everything out: queued stripes, then index segments if due, then the head. */
  async placeAndPublish(signal: AbortSignal, note: (note: PlacementNote) => void): Promise<number> {
    this.placer.startQueued(signal, note)
    await this.placer.settle()
    signal.throwIfAborted()
    if (!headMayGo(this.parts) || !this.publisher.due() || !(await this.#lookFirst(signal))) return 0
    const writer = this.writer(signal, { place: true, note })
    if (this.former.group === undefined) await this.former.refresh(signal)
    const described = this.former.group !== undefined && (await describeStripes(this.parts, writer))
    const unload = this.publisher.bodyTooLong()
    if (unload) await this.#unload(writer, signal)
    if (unload || described) {
      await writer.formTail()
      this.placer.startQueued(signal, note)
      await this.placer.settle()
    }
    return this.#publish(signal)
  }

  /**
   * Forms what has no stripe yet and brings the head to a length that can be made, whether or not hosts have everything.
   * Inside `exclusive`.
   */
  async describe(signal: AbortSignal): Promise<void> {
    const writer = this.writer(signal, { place: true, note: () => undefined })
    await this.former.refresh(signal)
    await writer.formTail()
    if (this.former.group !== undefined) await describeStripes(this.parts, writer)
    if (this.publisher.bodyTooLong()) await this.#unload(writer, signal)
    await writer.formTail()
  }

  /** Hosts that refuse a head know one that this device does not: it looks before it tries again. */
  async #publish(signal: AbortSignal): Promise<number> {
    const { hosts, refused } = await this.publisher.publish(signal)
    if (refused) this.#looked = false
    // Who may not release leaves that to the others.
    if (hosts > 0 && this.parts.keys.grants.includes('release')) await releaseRetired(this, signal)
    return hosts
  }

  /**
   * Before its first head goes out, this device asks whether hosts know a history of it that it does not: they cannot
   * tell a head that went on past theirs from an older disk. False when nobody could be asked, or backups have to wait.
   */
  async #lookFirst(signal: AbortSignal): Promise<boolean> {
    const { catalogue, network, keys, log } = this.parts
    if (!this.#looked && catalogue.heads.newest() !== undefined) {
      try {
        const found = await network.findHeads(signal)
        const own = found.filter(({ bundle }) => isOf(bundle.notice, keys.device))
        if (own.length > 0) await this.adopt(own, { custody: false, signal })
      } catch (error) {
        signal.throwIfAborted()
        log.warn('hosts could not be asked for heads of this device', { error: toPlexiError(error).message })
        return false
      }
    }
    return catalogue.heads.meta(FORKED) === undefined
  }

  /** For who has the right to write. */
  async adopt(found: readonly FoundHead[], use: AdoptUse & { signal: AbortSignal }): Promise<Adoption> {
    const { device } = this.parts.keys
    const adoption = await adoptHeads(this, found, use)
    this.alarms.push(...adoption.alarms.filter(({ peer }) => peer === device).slice(-MAX_ALARMS))
    this.alarms.splice(0, this.alarms.length - MAX_ALARMS)
    if (found.some(({ bundle }) => isOf(bundle.notice, device))) this.#looked = true
    return adoption
  }

  /** The head is too long: what rides in it goes into shards. */
  async #unload(writer: ChunkWriter, signal: AbortSignal): Promise<void> {
    const { parts, reader } = this
    const all = { ...parts, options: { ...parts.options, maxInlineBytes: 0 } }
    await finishWriting({ parts: all, writer, reader, signal }, () => undefined)
  }
}

function isOf(notice: Uint8Array, device: PeerKey): boolean {
  try {
    return openNotice(notice).device === device
  } catch {
    // What is no notice is of nobody.
    return false
  }
}

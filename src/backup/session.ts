/**
 * The engine's working parts put together: readers, stripe former, placer, publisher. One per open engine.
 * Invariant: one writer at a time; placing goes on beside it.
 */
import { Semaphore } from '../base/queue.ts'
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
import { TreeReader } from './tree/tree-reader.ts'

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
      return await this.#writing.run(work, signal)
    } finally {
      this.#writers--
    }
  }

  /** Whether something writes or waits to. */
  get busy(): boolean {
    return this.#writers > 0
  }

  /** Runs work that plans ahead which shards it will read: nothing is released meanwhile. */
  async reading<T>(work: () => Promise<T>): Promise<T> {
    this.#readers++
    try {
      return await work()
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
    return new TreeReader((id) => chunks.read(id, signal))
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
    if (!headMayGo(this.parts) || !this.publisher.due()) return 0
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
    const hosts = await this.publisher.publish(signal)
    if (hosts > 0) await releaseRetired(this, signal)
    return hosts
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

  /** The head is too long: what rides in it goes into shards. */
  async #unload(writer: ChunkWriter, signal: AbortSignal): Promise<void> {
    const { parts, reader } = this
    const all = { ...parts, options: { ...parts.options, maxInlineBytes: 0 } }
    await finishWriting({ parts: all, writer, reader, signal }, () => undefined)
  }
}

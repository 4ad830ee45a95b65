/**
 * The packers of all threads as one: whoever is free takes the next chunks. Spec: docs/spec/02-shard.md § Packing.
 * Invariants: what is sealed is handed on in the order it came back; the first failure stops everything after it.
 */
import { copyOf } from '../../base/bytes.ts'
import { chunkId, shardId, type ChunkId, type ShardKind, type ShardId } from '../../shard/index.ts'
import type { EpochKey } from '../../crypto/authority.ts'
import type { PackerJob, PackJob, PackResult, Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { KernelPool } from '../kernel/pool.ts'

/** A sealed shard with the ids of its chunks, 32 bytes each. */
export interface NewShard {
  readonly id: ShardId
  readonly kind: ShardKind
  readonly usedBytes: number
  readonly ids: Uint8Array
}

/** With its bytes: memory of a thread, to be given back. */
export interface SealedBody {
  readonly shard: NewShard
  readonly bytes: Uint8Array
  readonly thread: number
}

export interface LooseChunk {
  readonly id: ChunkId
  readonly bytes: Uint8Array
}

type Kind = PackJob['kind']

/** Loose chunks are sent to a packer when there are this many bytes of them. */
const LOOSE_BYTES = 256 * 1024

let writers = 0

export class Packers {
  readonly #kernel: KernelPool
  readonly #take: (bodies: readonly SealedBody[]) => Promise<void>
  /** Tells the packers of the threads whose chunks are whose. */
  readonly #mine: PackerJob
  readonly #loose: Record<Kind, { chunks: LooseChunk[]; bytes: number }> = { data: none(), metadata: none() }
  readonly #running = new Set<Promise<void>>()
  readonly #waiting = new Map<number, number>()
  #taking: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  /** Where everything goes: set when it is to come together. */
  #only: number | undefined

  /** `take` gets sealed shards, one call at a time; packing waits for it. Their memory is to be given back. */
  constructor(
    options: { epoch: EpochKey },
    deps: { kernel: KernelPool; take: (bodies: readonly SealedBody[]) => Promise<void> },
  ) {
    this.#kernel = deps.kernel
    this.#take = deps.take
    // A key in memory of its own: with a view crosses all that it is a view of.
    const key = Uint8Array.from(options.epoch.key)
    this.#mine = { epoch: { ...options.epoch, key }, writer: ++writers }
  }

  /** Bytes of a shard that chunks not sealed yet will take, loose ones uncompressed. Settle first to be near. */
  get waitingBytes(): number {
    let sum = this.#loose.data.bytes + this.#loose.metadata.bytes
    for (const bytes of this.#waiting.values()) sum += bytes
    return sum
  }

  /** Pieces of `bytes`; they are free again when it resolves, and what they completed is taken. */
  add(bytes: Uint8Array, pieces: Pieces & { offsets: Uint32Array }, kind: Kind): Promise<void> {
    return this.#track(this.#pack({ ...pieces, bytes, kind, ...this.#mine }))
  }

  /** One chunk, copied; it may wait for others. */
  async addLoose(chunk: LooseChunk, kind: Kind): Promise<void> {
    this.#throwIfFailed()
    const loose = this.#loose[kind]
    loose.chunks.push({ id: chunk.id, bytes: copyOf(chunk.bytes) })
    loose.bytes += chunk.bytes.length
    if (loose.bytes >= LOOSE_BYTES) await this.#sendLoose(kind)
  }

  /** Waits until nothing is on its way. */
  async settle(): Promise<void> {
    await this.#sendLoose('data')
    await this.#sendLoose('metadata')
    while (this.#running.size > 0) await Promise.all(this.#running)
    this.#throwIfFailed()
  }

  /**
   * Seals everything. All that waits comes together in one packer first, metadata behind data: so a lost shard in the
   * middle of the content never takes the names with it, whichever thread was free.
   */
  async flush(): Promise<void> {
    await this.settle()
    const threads = [...this.#waiting.keys()]
    const [first] = threads
    if (first === undefined) return
    this.#only = first
    const metadata: LooseChunk[] = []
    // Thread by thread: the next one is emptied when what the one before held is packed.
    for (const thread of threads)
      for (const { kind, ...chunk } of await this.#takeFrom(thread))
        if (kind === 'data') await this.addLoose(chunk, kind)
        else metadata.push({ id: chunk.id, bytes: copyOf(chunk.bytes) })
    await this.#sendLoose('data')
    for (const chunk of metadata) await this.addLoose(chunk, 'metadata')
    await this.#sendLoose('metadata')
    await this.#sealed(await this.#kernel.run('flush', this.#mine, first), first)
    this.#only = undefined
  }

  /** The bytes of a shard are not needed any more. */
  giveBack({ bytes, thread }: SealedBody): void {
    // Where the thread has ended so has its memory.
    this.#kernel.run('reuse', { shard: bytes }, thread).catch(() => undefined)
  }

  /** Hands back what is not sealed. */
  async takeWaiting(): Promise<LooseChunk[]> {
    await this.settle()
    const chunks: LooseChunk[] = []
    for (const thread of [...this.#waiting.keys()]) chunks.push(...(await this.#takeFrom(thread)))
    return chunks
  }

  /** To be awaited when packing is given up: no job reads memory of ours any more. */
  async idle(): Promise<void> {
    this.#failure ??= { error: new DOMException('packing was given up', 'AbortError') }
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    await this.#taking.catch(() => undefined)
  }

  async #sendLoose(kind: Kind): Promise<void> {
    const { chunks, bytes } = this.#loose[kind]
    if (chunks.length === 0) return
    this.#loose[kind] = none()
    const job = { ...joined(chunks, bytes), kind, ...this.#mine }
    await this.#track(this.#pack(job))
  }

  async #pack(job: PackJob): Promise<void> {
    this.#throwIfFailed()
    const { result, thread } = await this.#kernel.runAnywhere('pack', job, this.#only)
    await this.#sealed(result, thread)
  }

  #track(work: Promise<void>): Promise<void> {
    const tracked = work.catch((error: unknown) => {
      this.#failure ??= { error }
      throw error
    })
    this.#running.add(tracked)
    const done = (): void => {
      this.#running.delete(tracked)
    }
    tracked.then(done, done)
    return tracked
  }

  #sealed({ sealed, waitingBytes }: PackResult, thread: number): Promise<void> {
    this.#waiting.set(thread, waitingBytes)
    if (sealed.length === 0) return Promise.resolve()
    const bodies = sealed.map(({ bytes, ...shard }) => ({ shard: { ...shard, id: shardId(shard.id) }, bytes, thread }))
    const taking = this.#taking.then(() => this.#take(bodies))
    taking.catch(() => undefined)
    this.#taking = taking
    return taking
  }

  async #takeFrom(thread: number): Promise<(LooseChunk & { kind: Kind })[]> {
    const { ids, lengths, bytes, metadata } = await this.#kernel.run('take', this.#mine, thread)
    this.#waiting.delete(thread)
    let at = 0
    return [...lengths].map((length, i) => ({
      id: chunkId(ids.slice(i * ID_BYTES, (i + 1) * ID_BYTES)),
      bytes: bytes.subarray(at, (at += length)),
      kind: metadata[i] === 1 ? 'metadata' : 'data',
    }))
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error as Error
  }
}

function none(): { chunks: LooseChunk[]; bytes: number } {
  return { chunks: [], bytes: 0 }
}

function joined(chunks: readonly LooseChunk[], size: number): Pieces & { offsets: Uint32Array; bytes: Uint8Array } {
  const bytes = new Uint8Array(size)
  const ids = new Uint8Array(chunks.length * ID_BYTES)
  const lengths = new Uint32Array(chunks.length)
  const offsets = new Uint32Array(chunks.length)
  let at = 0
  for (const [i, chunk] of chunks.entries()) {
    bytes.set(chunk.bytes, at)
    ids.set(chunk.id, i * ID_BYTES)
    lengths[i] = chunk.bytes.length
    offsets[i] = at
    at += chunk.bytes.length
  }
  return { bytes, ids, lengths, offsets }
}

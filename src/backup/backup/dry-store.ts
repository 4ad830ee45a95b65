/**
 * Finding out what a backup would store, storing nothing. What new content would take is estimated: all of the first MiBs
 * and then one chunk of every eight are compressed, in frames of one MiB.
 */
import { MiB, view } from '../../base/bytes.ts'
import { chunkId, chunkIdOf, compressFrame, SHARD_BYTES, type ChunkId } from '../../shard/index.ts'
import type { Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { Parts } from '../parts.ts'
import type { ChunkStore } from './content-deps.ts'

const FRAME_BYTES = MiB
/** So many new bytes are all compressed. */
const ALL_BYTES = 8 * MiB
/** Of those behind, one in so many. */
const ONE_IN = 8
/** Of a shard what holds content: docs/spec/02-shard.md § Packing. */
const FILLED = 0.98

export class DryStore implements ChunkStore {
  readonly #parts: Parts
  readonly #seen = new Set<string>()
  readonly #frame = Buffer.alloc(FRAME_BYTES)
  #framed = 0
  /** New bytes that the frame stands for. */
  #stoodFor = 0
  /** New bytes that are not looked at. */
  #passOver = 0
  readonly stats = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0 }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  putPieces(slab: Uint8Array, { ids, lengths }: Pieces): Promise<void> {
    let at = 0
    lengths.forEach((length, i) => {
      this.#count(chunkId(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)), slab.subarray(at, at + length))
      at += length
    })
    return Promise.resolve()
  }

  reuse(id: ChunkId): boolean {
    return this.#parts.inline.has(id) || this.#parts.index.find(id) !== undefined
  }

  putObject(object: Uint8Array): Promise<ChunkId> {
    const id = chunkIdOf(this.#parts.keys.shared.idMac, object)
    this.#count(id, object)
    return Promise.resolve(id)
  }

  /** Everything was put. */
  finish(): void {
    this.#learn()
    const { storedBytes: stored } = this.stats
    const rides = stored <= this.#parts.options.maxInlineBytes
    this.stats.newShards = rides ? 0 : Math.ceil(stored / (SHARD_BYTES * FILLED))
  }

  #count(id: ChunkId, bytes: Uint8Array): void {
    const key = view(id).toString('latin1', 0, 16)
    if (this.#seen.has(key) || this.reuse(id)) return
    this.#seen.add(key)
    this.stats.newBytes += bytes.length
    this.#stoodFor += bytes.length
    this.#passOver -= bytes.length
    if (this.#passOver > 0) return
    if (this.stats.newBytes > ALL_BYTES) this.#passOver = bytes.length * (ONE_IN - 1)
    if (this.#framed + bytes.length > FRAME_BYTES) this.#learn()
    this.#frame.set(bytes, this.#framed)
    this.#framed += bytes.length
  }

  #learn(): void {
    const frame = this.#frame.subarray(0, this.#framed)
    if (frame.length === 0) return
    const { stored } = compressFrame(frame, this.#parts.options.packer.level)
    this.stats.storedBytes += Math.ceil((stored.length / frame.length) * this.#stoodFor)
    this.#framed = 0
    this.#stoodFor = 0
  }
}

/** Cutting and naming: pieces of a slab with their chunk ids, collected in arrays that cross threads cheaply. */
import type { MacKey } from '../../crypto/hash.ts'
import { chunkIdOf, type Chunker } from '../../shard/index.ts'
import type { Pieces } from './jobs.ts'

export const ID_BYTES = 32

export class Namer {
  readonly #chunker: Chunker
  readonly #idMac: MacKey
  #ids = new Uint8Array(ID_BYTES * 256)
  #lengths = new Uint32Array(256)
  #count = 0

  constructor(chunker: Chunker, idMac: MacKey) {
    this.#chunker = chunker
    this.#idMac = idMac
  }

  /** Cuts and names; returns the number of pieces. Not `last`: only as far as what follows cannot move a cut. */
  cut(bytes: Uint8Array, last: boolean): number {
    if (bytes.length === 0) return 0
    const lengths = this.#chunker.cut(bytes, last)
    this.name(bytes, lengths)
    return lengths.length
  }

  /** Names pieces that are cut already. */
  name(bytes: Uint8Array, lengths: Uint32Array): void {
    let at = 0
    for (const length of lengths) {
      this.#push(chunkIdOf(this.#idMac, bytes.subarray(at, at + length)), length)
      at += length
    }
  }

  /** What was collected since the last call. */
  take(): Pieces {
    const pieces = { ids: this.#ids.slice(0, this.#count * ID_BYTES), lengths: this.#lengths.slice(0, this.#count) }
    this.#count = 0
    return pieces
  }

  #push(id: Uint8Array, length: number): void {
    if (this.#count === this.#lengths.length) this.#grow()
    this.#ids.set(id, this.#count * ID_BYTES)
    this.#lengths[this.#count] = length
    this.#count++
  }

  #grow(): void {
    const ids = new Uint8Array(this.#ids.length * 2)
    ids.set(this.#ids)
    this.#ids = ids
    const lengths = new Uint32Array(this.#lengths.length * 2)
    lengths.set(this.#lengths)
    this.#lengths = lengths
  }
}

/**
 * Memory for bytes that wait a while: filled from the front of one slab; when that is full, what still waits moves to the
 * front of another. So nothing is made anew for each of them, and neighbours stay neighbours.
 */
import { copyInto, MiB } from '../base/bytes.ts'

export class Shelf {
  #slab = new Uint8Array(0)
  #other = new Uint8Array(0)
  #used = 0

  /** Makes room for `more` bytes; true when everything that waits, `all` bytes, has to be taken anew. */
  makeRoom(more: number, all: number): boolean {
    if (this.#used + more <= this.#slab.length) return false
    // Room for a quarter more at least, or it would be full again at once.
    const fits = this.#other.length >= 1.25 * all
    const next = fits ? this.#other : new Uint8Array(Math.ceil((1.5 * all) / MiB) * MiB)
    this.#other = this.#slab
    this.#slab = next
    this.#used = 0
    return true
  }

  /** A copy of `bytes`, for which there is room. */
  take(bytes: Uint8Array): Uint8Array {
    copyInto(this.#slab, this.#used, bytes)
    return this.#slab.subarray(this.#used, (this.#used += bytes.length))
  }
}

/**
 * Memory for bytes that wait a while: filled from the front of one slab; when that is full, what still waits moves to its
 * front. So nothing is made anew for each of them, and neighbours stay neighbours.
 */
import { copyInto, MiB } from '../base/bytes.ts'

export class Shelf {
  #slab = new Uint8Array(0)
  #used = 0

  /** Whether `more` bytes can be taken. */
  hasRoom(more: number): boolean {
    return this.#used + more <= this.#slab.length
  }

  /** Makes room for `more` bytes. `kept`, in the order it was taken, is what still waits; returned where it lies now. */
  makeRoom(more: number, kept: readonly Uint8Array[]): Uint8Array[] {
    const from = this.#slab
    const all = kept.reduce((sum, bytes) => sum + bytes.length, more)
    // Room for a quarter more at least, or it would be full again at once.
    if (from.length < 1.25 * all) this.#slab = new Uint8Array(Math.ceil((1.5 * all) / MiB) * MiB)
    this.#used = 0
    return kept.map((bytes) => this.take(bytes))
  }

  /** A copy of `bytes`, for which there is room. */
  take(bytes: Uint8Array): Uint8Array {
    // Where they lie in the slab themselves, it is not before where they go.
    copyInto(this.#slab, this.#used, bytes)
    return this.#slab.subarray(this.#used, (this.#used += bytes.length))
  }
}

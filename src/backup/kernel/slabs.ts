/**
 * Shared memory that file content is read into and cut, hashed and compressed from, without a copy between threads.
 * Invariant: a slab has one holder at a time; there are never more than the limit, so readers wait for packers.
 */
export class SlabPool {
  readonly #bytes: number
  readonly #limit: number
  #made = 0
  readonly #free: Uint8Array[] = []
  readonly #waiting: ((slab: Uint8Array) => void)[] = []

  constructor(options: { bytes: number; limit: number }) {
    this.#bytes = options.bytes
    this.#limit = options.limit
  }

  /** Waits for a free one. Its content is whatever was there before. */
  async take(): Promise<Uint8Array> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made < this.#limit) {
      this.#made++
      return new Uint8Array(new SharedArrayBuffer(this.#bytes))
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(slab: Uint8Array): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free.push(slab)
    else next(slab)
  }
}

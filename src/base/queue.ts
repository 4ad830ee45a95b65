/** Bounded waiting: a channel between a producer and a consumer, a counting semaphore, and bounded parallel mapping. */
import { invariant } from './errors.ts'

/** At most `limit` holders at once; the rest wait in order. */
export class Semaphore {
  readonly #limit: number
  #held = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    invariant(limit > 0, 'semaphore limit')
    this.#limit = limit
  }

  /** Runs `work` while holding one place. The place is given back however `work` ends. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#acquire(signal)
    try {
      return await work()
    } finally {
      this.#release()
    }
  }

  async #acquire(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#held < this.#limit) {
      this.#held++
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const grant = () => {
      resolve(undefined)
    }
    const onAbort = () => {
      const at = this.#waiting.indexOf(grant)
      if (at < 0) return
      this.#waiting.splice(at, 1)
      reject(signal?.reason as Error)
    }
    this.#waiting.push(grant)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#held--
    else next()
  }
}

/** A bounded first-in-first-out channel: `push` waits while it is full, iteration ends after `end`, fails after `fail`. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #limit: number
  readonly #items: T[] = []
  #ended = false
  #error: unknown
  #wakeReader: (() => void) | undefined
  #wakeWriters: (() => void)[] = []

  constructor(limit: number) {
    invariant(limit > 0, 'channel limit')
    this.#limit = limit
  }

  /** Waits for room. Returns false when the channel was ended or failed: the item is dropped. */
  async push(item: T): Promise<boolean> {
    while (this.#items.length >= this.#limit && !this.#ended)
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve))
    if (this.#ended) return false
    this.#items.push(item)
    this.#wake()
    return true
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  fail(error: unknown): void {
    this.#error ??= error
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        while (this.#items.length > 0) {
          const item = this.#items.shift() as T
          this.#wake()
          yield item
        }
        if (this.#ended) break
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve
        })
      }
      if (this.#error !== undefined) throw this.#error as Error
    } finally {
      this.end()
    }
  }

  #wake(): void {
    this.#wakeReader?.()
    this.#wakeReader = undefined
    const writers = this.#wakeWriters
    this.#wakeWriters = []
    for (const wake of writers) wake()
  }
}

/** `items` through `work`, at most `limit` at once. The first failure wins after all running ones have ended. */
export async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      try {
        results[index] = await work(items[index] as T, index)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason as Error
  return results
}

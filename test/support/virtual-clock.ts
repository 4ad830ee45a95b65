/** A clock that moves only when told to; sleepers wake in the order of their times. */
import type { Clock } from '../../src/base/clock.ts'

export class VirtualClock implements Clock {
  #now: number
  #sleepers: { at: number; wake: () => void }[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#now
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const sleeper = {
      at: this.#now + ms,
      wake: () => {
        resolve(undefined)
      },
    }
    this.#sleepers.push(sleeper)
    signal?.addEventListener(
      'abort',
      () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper)
        reject(signal.reason as Error)
      },
      { once: true },
    )
    await promise
  }

  get sleepers(): number {
    return this.#sleepers.length
  }

  /** Moves time on, waking who is due and letting their code run between the steps. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await settle()
      const due = this.#sleepers.filter((s) => s.at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#now = Math.max(this.#now, due.at)
      this.#sleepers = this.#sleepers.filter((s) => s !== due)
      due.wake()
    }
    this.#now = end
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

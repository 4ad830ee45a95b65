/** A write that is sent twice with the same Idempotency-Key is done once; both callers get the first answer. */
import type { Clock } from '../base/clock.ts'
import { PlexiError } from '../base/errors.ts'

interface Remembered {
  readonly fingerprint: string
  readonly until: number
  readonly answer: Promise<unknown>
}

/** Answers live in memory, the oldest are dropped first; failed writes are forgotten at once and may be tried again. */
export class IdempotencyStore {
  readonly #options: { readonly entries: number; readonly keepMs: number }
  readonly #clock: Clock
  readonly #known = new Map<string, Remembered>()

  constructor(options: { entries: number; keepMs: number }, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** `fingerprint` stands for route and body: the same key with another one is `VALIDATION_USAGE`. */
  async once<T>(key: string, fingerprint: string, work: () => Promise<T>): Promise<T> {
    this.#dropOld()
    const known = this.#known.get(key)
    if (known !== undefined) {
      if (known.fingerprint === fingerprint) return (await known.answer) as T
      throw new PlexiError('VALIDATION_USAGE', { reason: 'this Idempotency-Key was used for another request' })
    }
    const answer = work()
    this.#known.set(key, { fingerprint, until: this.#clock.elapsed() + this.#options.keepMs, answer })
    try {
      return await answer
    } catch (error) {
      this.#known.delete(key)
      throw error
    }
  }

  #dropOld(): void {
    const now = this.#clock.elapsed()
    for (const [key, { until }] of this.#known) {
      if (until > now && this.#known.size < this.#options.entries) return
      this.#known.delete(key)
    }
  }
}

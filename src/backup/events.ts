/** Long work as a stream of events: progress is coalesced (the newest counts), everything else arrives in order. */
import type { Clock } from '../base/clock.ts'

/** Events pass through here from the work to whoever iterates. Bounded: progress takes one place, notes are capped. */
export class EventStream<E extends { readonly type: string }> {
  readonly #clock: Clock
  readonly #everyMs: number
  #queue: E[] = []
  #progress: (() => E) | undefined
  #lastProgress = -Infinity
  #wake = Promise.withResolvers<undefined>()

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  emit(event: E): void {
    if (this.#queue.length >= MAX_QUEUED) this.#queue.shift()
    this.#queue.push(event)
    this.#ring()
  }

  /** Notes that progress was made; `event` is called when it is shown. */
  progress(event: () => E): void {
    this.#progress = event
    if (this.#clock.elapsed() - this.#lastProgress >= this.#everyMs) this.#ring()
  }

  /** Runs `work` and yields what it emits, then its result as the last event. Stops the work when iteration stops. */
  async *run(signal: AbortSignal, work: (signal: AbortSignal) => Promise<E>): AsyncGenerator<E> {
    const stop = new AbortController()
    const state = { ended: false }
    const done = work(AbortSignal.any([signal, stop.signal])).finally(() => {
      state.ended = true
      this.#ring()
    })
    done.catch(() => undefined)
    try {
      while (!state.ended) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers<undefined>()
        yield* this.#take()
      }
      yield* this.#take()
      yield await done
    } finally {
      stop.abort(new DOMException('nobody listens any more', 'AbortError'))
      await done.catch(() => undefined)
    }
  }

  *#take(): Generator<E> {
    const queue = this.#queue
    this.#queue = []
    yield* queue
    const progress = this.#progress
    if (progress === undefined) return
    this.#progress = undefined
    this.#lastProgress = this.#clock.elapsed()
    yield progress()
  }

  #ring(): void {
    this.#wake.resolve(undefined)
  }
}

const MAX_QUEUED = 10_000

/** All alarms of this daemon: gathers what gives cause, looks again by itself, so that nobody need ask to be told. */
import type { Alarm } from '../../api/index.ts'
import { deadline, MINUTE, type Clock } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { Service } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { AlarmBook, type AlarmBookDeps, type Condition } from '../status/alarms.ts'
import { Waiters } from '../waiters.ts'

export interface AlarmDeskDeps extends AlarmBookDeps {
  /** What holds now, asked anew each time. */
  readonly causes: readonly (() => readonly Condition[])[]
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = MINUTE

export class AlarmDesk implements Service {
  readonly #deps: AlarmDeskDeps
  readonly #book: AlarmBook
  readonly #control = new AbortController()
  readonly #kicks = new Waiters()
  #done: Promise<void> = Promise.resolve()

  constructor(deps: AlarmDeskDeps) {
    this.#deps = deps
    this.#book = new AlarmBook(deps)
  }

  async start(): Promise<void> {
    this.#done = this.#run(this.#control.signal)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Something changed: look again soon. */
  kick(): void {
    this.#kicks.wake()
  }

  review(): Alarm[] {
    return this.#book.review(this.#deps.causes.flatMap((cause) => cause()))
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.review()
      } catch (error) {
        this.#deps.log.warn('alarms could not be looked through', { error: toPlexiError(error) })
      }
      const limit = deadline(this.#deps.clock, LOOK_MS, signal)
      await this.#kicks.wait(limit.signal)
      limit.clear()
    }
  }
}

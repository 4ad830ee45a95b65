/**
 * What happens in the daemon, for `events` and the WebSocket: a bounded ring. Numbers rise across restarts, so a reader
 * that comes back with an old one gets everything newer; a gap tells it that the ring no longer reaches back that far.
 */
import type { Clock } from '../base/clock.ts'
import { isoTime } from '../base/clock.ts'
import type { DaemonEvent, EventService } from '../api/index.ts'
import { Waiters } from './waiters.ts'

export type EventTopic = 'job' | 'peer' | 'alarm' | 'storage' | 'system'

type About = Partial<Pick<DaemonEvent, 'job' | 'peer' | 'code' | 'state'>>

export interface EventHubOptions {
  readonly maxEvents: number
}

export class EventHub implements EventService {
  readonly #options: EventHubOptions
  readonly #clock: Clock
  readonly #ring: DaemonEvent[] = []
  readonly #waiters = new Waiters()
  #last: number

  constructor(options: EventHubOptions, deps: { clock: Clock }) {
    this.#options = options
    this.#clock = deps.clock
    // Microseconds since 1970: a restart begins above every number handed out before.
    this.#last = deps.clock.now() * 1_000
  }

  emit(topic: EventTopic, text: string, about: About = {}): void {
    this.#ring.push({
      seq: ++this.#last,
      time: isoTime(this.#clock.now()),
      topic,
      text: text.slice(0, 4_096),
      ...about,
    })
    if (this.#ring.length > this.#options.maxEvents) this.#ring.shift()
    this.#waiters.wake()
  }

  list(since: number): readonly DaemonEvent[] {
    return this.#ring.filter((event) => event.seq > since)
  }

  async *follow(since: number, signal: AbortSignal): AsyncGenerator<DaemonEvent, void, undefined> {
    let seen = since
    while (!signal.aborted) {
      const news = this.list(seen)
      for (const event of news) {
        yield event
        seen = event.seq
      }
      if (news.length === 0) await this.#waiters.wait(signal)
    }
  }
}

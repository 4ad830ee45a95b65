/**
 * The events of one running job: numbered from 1, bounded. Of progress and of what was reached only the newest is kept;
 * notes are kept up to a bound, then counted.
 */
import type { Clock } from '../../base/clock.ts'
import { isoTime } from '../../base/clock.ts'
import type { JobEvent, NumberedJobEvent } from '../../api/index.ts'
import { Waiters } from '../waiters.ts'
import type { JobRow, JobStore } from './store.ts'

export class JobEventLog {
  readonly #deps: { store: JobStore; clock: Clock; maxNotes: number }
  readonly #number: number
  readonly #waiters = new Waiters()
  #events: NumberedJobEvent[]
  /** Bounded as notes are, with one `saved` and one last event. */
  #unwritten: { seq: number; time: number; event: JobEvent }[] = []
  #seq: number
  #notes: number
  #ended = false

  constructor(row: JobRow, deps: { store: JobStore; clock: Clock; maxNotes: number }) {
    this.#deps = deps
    this.#number = row.number
    this.#events = deps.store.events(row.number)
    this.#seq = Math.max(row.seq, this.#events.at(-1)?.seq ?? 0)
    this.#notes = this.#events.filter(({ event }) => event.type === 'note').length
  }

  get progress(): Extract<JobEvent, { type: 'progress' }> | null {
    for (const { event } of this.#events) if (event.type === 'progress') return event
    return null
  }

  add(event: JobEvent): void {
    if (event.type === 'note' && ++this.#notes > this.#deps.maxNotes) return
    const time = this.#deps.clock.now()
    const seq = ++this.#seq
    const replaces = event.type === 'progress' || event.type === 'saved'
    if (replaces) this.#events = this.#events.filter((old) => old.event.type !== event.type)
    if (event.type === 'summary' || event.type === 'error') {
      this.#events = this.#events.filter((old) => old.event.type !== 'progress')
      this.#ended = true
    }
    this.#events.push({ seq, time: isoTime(time), event })
    if (event.type === 'saved') this.#unwritten = this.#unwritten.filter((old) => old.event.type !== 'saved')
    if (event.type !== 'progress') this.#unwritten.push({ seq, time, event })
    this.#waiters.wake()
  }

  /** Makes durable what was added. What could not be written stays for the next time; throws why. */
  write(): void {
    for (let next = this.#unwritten[0]; next !== undefined; next = this.#unwritten[0]) {
      this.#deps.store.addEvent(this.#number, next)
      this.#unwritten.shift()
    }
  }

  /** The daemon stops: followers end without a last event. */
  close(): void {
    this.#ended = true
    this.#waiters.wake()
  }

  async *follow(since: number, signal: AbortSignal): AsyncGenerator<NumberedJobEvent, void, undefined> {
    let seen = since
    while (!signal.aborted) {
      const news = this.#events.filter(({ seq }) => seq > seen)
      for (const item of news) {
        yield item
        seen = item.seq
      }
      if (news.length > 0) continue
      if (this.#ended) return
      await this.#waiters.wait(signal)
    }
  }
}

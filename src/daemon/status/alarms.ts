/**
 * What a person should know about, each with the time since when it is so; kept across restarts, so that an old alarm does
 * not become a new one. An alarm that ends and comes back is new. Raising and clearing are announced once each.
 */
import type { Alarm } from '../../api/index.ts'
import { isoTime, MINUTE, type Clock } from '../../base/clock.ts'
import { PlexiError, toPlexiError, type ErrorCode, type ErrorDetails } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { EventHub } from '../event-hub.ts'

/** A condition that holds now. */
export interface Condition {
  readonly code: ErrorCode
  /** Of several things that may fail alike, which: a source, a target. */
  readonly about?: string
  readonly details?: ErrorDetails
  readonly text?: string
}

/** An alarm that holds, as it is kept. `since` in ms since 1970. */
export interface HeldAlarm {
  readonly code: ErrorCode
  readonly about: string
  readonly since: number
  readonly text: string
}

export interface AlarmShelf {
  list(): HeldAlarm[]
  put(alarm: HeldAlarm): void
  remove(alarm: Pick<HeldAlarm, 'code' | 'about'>): void
}

export interface AlarmBookDeps {
  readonly shelf: AlarmShelf
  readonly events: Pick<EventHub, 'emit'>
  /** Hears what is raised and cleared. */
  readonly tell: (type: 'alarm.raised' | 'alarm.cleared', alarm: Alarm, about: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** After a start it takes a while until it shows whether an old alarm still holds. */
const SETTLE_MS = 2 * MINUTE

export class AlarmBook {
  readonly #deps: AlarmBookDeps
  readonly #held: Map<string, HeldAlarm>
  readonly #started: number
  /** Seen since the start, so their end is news. */
  readonly #seen = new Set<string>()

  constructor(deps: AlarmBookDeps) {
    this.#deps = deps
    this.#started = deps.clock.elapsed()
    this.#held = new Map(deps.shelf.list().map((alarm) => [keyOf(alarm), alarm]))
  }

  /** The conditions that hold now as alarms. */
  review(conditions: readonly Condition[]): Alarm[] {
    const now = new Map(conditions.map((condition) => [keyOf(condition), condition]))
    const settled = this.#deps.clock.elapsed() - this.#started >= SETTLE_MS
    for (const [key, alarm] of this.#held)
      if (!now.has(key) && (settled || this.#seen.has(key))) this.#clear(key, alarm)
    return [...now].map(([key, condition]) => this.#hold(key, condition))
  }

  #hold(key: string, { code, about = '', details, text }: Condition): Alarm {
    const { message, remedy } = new PlexiError(code, details ?? {}, text === undefined ? {} : { message: text })
    const before = this.#held.get(key)
    const held = { code, about, since: before?.since ?? this.#deps.clock.now(), text: message.slice(0, 4_096) }
    this.#held.set(key, held)
    this.#seen.add(key)
    const alarm = { code, since: isoTime(held.since), text: held.text, remedy, about: about === '' ? null : about }
    if (before?.text !== held.text) this.#keep(() => this.#deps.shelf.put(held))
    if (before === undefined) {
      this.#deps.events.emit('alarm', held.text, { code, state: 'raised' })
      this.#deps.tell('alarm.raised', alarm, about)
    }
    return alarm
  }

  #clear(key: string, { code, about, since, text }: HeldAlarm): void {
    this.#held.delete(key)
    this.#seen.delete(key)
    this.#keep(() => this.#deps.shelf.remove({ code, about }))
    this.#deps.events.emit('alarm', `over: ${text}`, { code, state: 'cleared' })
    const { remedy } = new PlexiError(code)
    const alarm = { code, since: isoTime(since), text, remedy, about: about === '' ? null : about }
    this.#deps.tell('alarm.cleared', alarm, about)
  }

  /** An alarm is shown even where it cannot be written down. */
  #keep(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#deps.log.warn('an alarm could not be written down', { error: toPlexiError(error) })
    }
  }
}

function keyOf({ code, about = '' }: { readonly code: ErrorCode; readonly about?: string }): string {
  return `${code} ${about}`
}

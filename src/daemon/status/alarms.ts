/** What a person should know about, each with the time since when it is so. An alarm that ends and comes back is new. */
import type { Alarm } from '../../api/index.ts'
import { isoTime, type Clock } from '../../base/clock.ts'
import { PlexiError, type ErrorCode, type ErrorDetails } from '../../base/errors.ts'
import type { EventHub } from '../event-hub.ts'

/** A condition that holds now. */
export interface Condition {
  readonly code: ErrorCode
  readonly details?: ErrorDetails
  readonly text?: string
}

export class AlarmBook {
  readonly #deps: { clock: Clock; events: Pick<EventHub, 'emit'> }
  readonly #since = new Map<ErrorCode, number>()

  constructor(deps: { clock: Clock; events: Pick<EventHub, 'emit'> }) {
    this.#deps = deps
  }

  /** The conditions that hold now as alarms; new ones are announced once. */
  review(conditions: readonly Condition[]): Alarm[] {
    const codes = new Set(conditions.map(({ code }) => code))
    for (const code of this.#since.keys()) if (!codes.has(code)) this.#since.delete(code)
    return conditions.map(({ code, details, text }) => {
      const { message, remedy } = new PlexiError(code, details ?? {}, text === undefined ? {} : { message: text })
      const since = this.#since.get(code) ?? this.#deps.clock.now()
      if (!this.#since.has(code)) this.#deps.events.emit('alarm', message, { code })
      this.#since.set(code, since)
      return { code, since: isoTime(since), text: message, remedy }
    })
  }
}

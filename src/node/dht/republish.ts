/**
 * Keeps the head records that owners left here alive in the DHT, which forgets everything after 48 hours
 * (docs/spec/06-dht-records.md, republishing): every 12 hours the current period's record of each head kept here.
 * Invariant: nothing is put that is not a valid record of this period; no vault costs more than its slots.
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { headRecordFormat } from '../options.ts'
import type { HeadDirectory } from './head-directory.ts'
import { periodAt, placeOfRecord, validateHeadRecord } from './head-records.ts'

export interface RepublishOptions {
  readonly everyMs: number
  readonly firstMs: number
}

export interface RepublishDeps {
  readonly directory: Pick<HeadDirectory, 'put'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Records left with the heads that are kept here, vault by vault. */
  records(): AsyncIterable<{ readonly records: readonly Uint8Array[] }>
}

/** Every node starts at another moment, so that a whole circle never republishes at once. */
const JITTER = 0.1

export class Republisher {
  readonly #options: RepublishOptions
  readonly #deps: RepublishDeps
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: RepublishOptions, deps: RepublishDeps) {
    this.#options = options
    this.#deps = deps
  }

  start(): void {
    this.#running = this.#forever()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** One round; the number of records put. */
  async round(signal: AbortSignal): Promise<number> {
    let put = 0
    for await (const { records } of this.#deps.records()) {
      const due = dueRecords(records, this.#deps.clock.now())
      if (due.length > 0) await this.#deps.directory.put(due, signal)
      put += due.length
      signal.throwIfAborted()
    }
    return put
  }

  async #forever(): Promise<void> {
    const { clock, random, log } = this.#deps
    const { signal } = this.#stop
    for (let pauseMs = this.#options.firstMs; !signal.aborted; pauseMs = this.#options.everyMs) {
      const jitter = random.below(Math.max(1, Math.floor(pauseMs * JITTER)))
      try {
        await clock.sleep(pauseMs + jitter, signal)
        log.debug('head records republished', { records: await this.round(signal) })
      } catch (error) {
        log.debug('republishing was cut short', { error })
      }
    }
  }
}

/** The newest record of each key of the current period, at most one per slot. */
export function dueRecords(records: readonly Uint8Array[], now: number): { key: Uint8Array; value: Uint8Array }[] {
  const period = periodAt(now)
  const due = new Map<string, { key: Uint8Array; value: Uint8Array; made: number }>()
  for (const value of records) {
    try {
      const place = placeOfRecord(value)
      validateHeadRecord(place.key, value, now)
      const name = Buffer.from(place.key).toString('hex')
      if (place.period !== period || (due.get(name)?.made ?? -1) >= place.made) continue
      due.set(name, { key: place.key, value, made: place.made })
    } catch {
      // What is no record stays where it is.
    }
  }
  return [...due.values()].slice(0, headRecordFormat.slots)
}

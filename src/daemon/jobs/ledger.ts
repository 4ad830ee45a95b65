/**
 * Writes down what becomes of jobs. A disk that is full or broken must neither fail a job whose work is done nor end the
 * daemon: what could not be written is kept in memory, written later, and an alarm tells until then. A restart before
 * that takes the job up again where the database has it.
 */
import type { Clock } from '../../base/clock.ts'
import { toPlexiError, type PlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { JobEventLog } from './event-log.ts'
import type { JobChange, JobRow, JobStore } from './store.ts'

/** A job that is not, or not wholly, written down. */
export interface LedgerEntry {
  row: JobRow
  readonly log: JobEventLog
  unwritten: JobChange
}

export interface JobLedgerDeps {
  readonly store: JobStore
  readonly clock: Clock
  readonly log: Logger
  /** The end of a job is written: it need not be kept in memory any more. */
  readonly recorded: (row: JobRow) => void
}

export class JobLedger {
  readonly #retryMs: number
  readonly #deps: JobLedgerDeps
  readonly #behind = new Set<LedgerEntry>()
  readonly #control = new AbortController()
  #retrying: Promise<void> | undefined
  #failure: PlexiError | undefined

  constructor(options: { readonly recordRetryMs: number }, deps: JobLedgerDeps) {
    this.#retryMs = options.recordRetryMs
    this.#deps = deps
  }

  /** Jobs that could not be written down, and why; undefined where all could. */
  get failure(): { readonly jobs: number; readonly error: PlexiError } | undefined {
    return this.#failure === undefined ? undefined : { jobs: this.#behind.size, error: this.#failure }
  }

  /** Holds in memory at once. */
  change(entry: LedgerEntry, change: JobChange): void {
    entry.row = { ...entry.row, ...change }
    entry.unwritten = { ...entry.unwritten, ...change }
    this.write(entry)
  }

  /** Events and changes. Never throws. */
  write(entry: LedgerEntry): void {
    const { store, recorded, log } = this.#deps
    try {
      entry.log.write()
      if (Object.keys(entry.unwritten).length > 0) store.update(entry.row.number, entry.unwritten)
      entry.unwritten = {}
    } catch (error) {
      if (this.#failure === undefined) log.error('a job could not be written down', { job: entry.row.id, error })
      this.#failure = toPlexiError(error)
      this.#behind.add(entry)
      this.#retrying ??= this.#retry(this.#control.signal)
      return
    }
    this.#behind.delete(entry)
    if (this.#behind.size === 0) this.#failure = undefined
    if (entry.row.ended !== null) recorded(entry.row)
  }

  /** Tries a last time. */
  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#retrying
    for (const entry of [...this.#behind]) this.write(entry)
  }

  async #retry(signal: AbortSignal): Promise<void> {
    try {
      while (this.#behind.size > 0) {
        await this.#deps.clock.sleep(this.#retryMs, signal)
        for (const entry of [...this.#behind]) this.write(entry)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#retrying = undefined
    }
  }
}

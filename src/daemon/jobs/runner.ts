/**
 * Runs jobs, one of each kind at a time, in order. A job is stored before it is acknowledged and survives the daemon: what
 * was queued, running or waiting is taken up again at the next start, except where its input was a stream.
 */
import {
  failureOf,
  type Job,
  type JobKind,
  type JobService,
  type JobState,
  type NumberedJobEvent,
} from '../../api/index.ts'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { deadline, isoTime } from '../../base/clock.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { Service } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import { Semaphore } from '../../base/queue.ts'
import type { Random } from '../../base/random.ts'
import type { EventHub } from '../event-hub.ts'
import { JobEventLog } from './event-log.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { JobInput } from './input.ts'
import { JobLedger, type LedgerEntry } from './ledger.ts'
import type { JobOptions } from './options.ts'
import type { JobChange, JobRow, JobStore } from './store.ts'

export interface JobRunnerDeps {
  readonly store: JobStore
  readonly handlers: Partial<Record<JobKind, JobHandler>>
  readonly events: EventHub
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

interface Active extends LedgerEntry {
  readonly control: AbortController
  readonly input: JobInput
  cancelled: boolean
  done: Promise<void>
}

const JOB_ID_BYTES = 6
/** `cancel` answers by then, whether or not the job has ended. */
const CANCEL_ANSWER_MS = 2_000

export class JobRunner implements Service, JobService {
  readonly #options: JobOptions
  readonly #deps: JobRunnerDeps
  readonly #active = new Map<string, Active>()
  readonly #turns = new Map<JobKind, Semaphore>()
  readonly #listeners = new Set<(row: JobRow) => void>()
  readonly #ledger: JobLedger
  #stopping = false

  constructor(options: JobOptions, deps: JobRunnerDeps) {
    this.#options = options
    this.#deps = deps
    this.#ledger = new JobLedger(options, { ...deps, recorded: (row) => this.#recorded(row) })
  }

  /** Takes up what the last run left. */
  async start(): Promise<void> {
    for (const row of this.#deps.store.unfinished()) {
      const active = this.#track(row)
      if (row.streams && row.summary === null) {
        this.#end(
          active,
          'failed',
          new PlexiError('SYSTEM_INTERRUPTED', {}, { message: 'its input was lost in a restart' }),
        )
      } else {
        this.#deps.log.info('job taken up again', { job: row.id, kind: row.kind, state: row.state })
        active.done = this.#perform(active)
      }
    }
  }

  /** Running jobs stop where they are and go on at the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    const active = [...this.#active.values()]
    for (const job of active) job.control.abort(interruption('the daemon stops'))
    await Promise.all(active.map((job) => job.done))
    await this.#ledger.stop()
  }

  submit(kind: JobKind, what: { title: string; request: unknown; streams?: boolean }): Job {
    const queued = [...this.#active.values()].filter(({ row }) => row.state === 'queued').length
    if (this.#stopping || queued >= this.#options.maxQueued) throw new PlexiError('SYSTEM_BUSY', { what: 'jobs' })
    const row = this.#deps.store.insert({
      id: toHex(this.#deps.random.bytes(JOB_ID_BYTES)),
      kind,
      title: what.title,
      request: what.request,
      streams: what.streams ?? false,
      created: this.#deps.clock.now(),
    })
    const active = this.#track(row)
    active.done = this.#perform(active)
    return this.#view(row)
  }

  /** Undefined where it is not known any more. */
  find(id: string): JobRow | undefined {
    return this.#active.get(id)?.row ?? this.#deps.store.find(id)
  }

  /** Jobs that wait for their turn or run; those that only wait for hosts hinder nobody. */
  unended(): JobRow[] {
    const rows = [...this.#active.values()].map(({ row }) => row)
    return rows.filter(({ state }) => state === 'queued' || state === 'running')
  }

  /** Called whenever a job's state has changed. Returns the way to stop listening. */
  listen(listener: (row: JobRow) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  *list(filter: { readonly state?: JobState; readonly kind?: JobKind }): Generator<Job> {
    for (const row of this.#deps.store.list(filter)) yield this.#view(this.#active.get(row.id)?.row ?? row)
  }

  async get(id: string): Promise<Job> {
    const row = this.#deps.store.get(id)
    return this.#view(this.#active.get(row.id)?.row ?? row)
  }

  async cancel(id: string): Promise<Job> {
    const active = this.#active.get(this.#deps.store.get(id).id)
    if (active?.row.ended === null) {
      active.cancelled = true
      active.control.abort(interruption('cancelled'))
      const { signal, clear } = deadline(this.#deps.clock, CANCEL_ANSWER_MS)
      await Promise.race([active.done, aborted(signal)])
      clear()
    }
    return await this.get(id)
  }

  async *follow(id: string, since: number, signal: AbortSignal): AsyncGenerator<NumberedJobEvent, void, undefined> {
    const row = this.#deps.store.get(id)
    const log = this.#active.get(row.id)?.log
    if (log !== undefined) yield* log.follow(since, signal)
    else yield* this.#deps.store.events(row.number).filter(({ seq }) => seq > since)
  }

  async input(id: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ bytes: number }> {
    const row = this.#deps.store.get(id)
    const active = this.#active.get(row.id)
    if (active === undefined || !row.streams) {
      throw new PlexiError('VALIDATION_USAGE', { reason: `job ${row.id} waits for no input` })
    }
    return await active.input.feed(body, AbortSignal.any([signal, active.control.signal]))
  }

  /** Jobs that could not be written down, and why. */
  get unrecorded(): JobLedger['failure'] {
    return this.#ledger.failure
  }

  /** Jobs that have not ended. */
  get unfinished(): number {
    return this.#active.size
  }

  #track(row: JobRow): Active {
    const log = new JobEventLog(row, { ...this.#deps, maxNotes: this.#options.maxNotes })
    const control = new AbortController()
    const active: Active = {
      ...{ row, log, control, unwritten: {}, cancelled: false },
      input: new JobInput(),
      done: Promise.resolve(),
    }
    this.#active.set(row.id, active)
    return active
  }

  async #perform(active: Active): Promise<void> {
    try {
      const handler = this.#deps.handlers[active.row.kind]
      if (handler === undefined)
        throw new PlexiError('VALIDATION_NOT_SUPPORTED', { what: `a job of kind ${active.row.kind}` })
      const context = this.#context(active)
      const reached = active.row.summary ?? (await this.#firstPart(active, handler, context))
      if (reached !== undefined) {
        this.#change(active, { state: 'waiting', summary: reached })
        this.#end(active, 'done', await (handler.settle?.(context, reached) ?? Promise.resolve(reached)))
      }
    } catch (error) {
      this.#stopped(active, error)
    }
  }

  /** What was reached when the job still has to settle; undefined once it has ended. */
  async #firstPart(active: Active, handler: JobHandler, context: JobContext): Promise<Summary | undefined> {
    const { kind } = active.row
    const turns = this.#turns.get(kind) ?? new Semaphore(1)
    this.#turns.set(kind, turns)
    const outcome = await turns.run(async () => {
      this.#change(active, { state: 'running', started: active.row.started ?? this.#deps.clock.now() })
      this.#announce(active, 'started')
      if (active.row.streams) await this.#awaitInput(active)
      return await handler.run(context)
    }, active.control.signal)
    if (outcome.pending) return outcome.summary
    this.#end(active, 'done', outcome.summary)
    return undefined
  }

  async #awaitInput(active: Active): Promise<void> {
    const { signal, clear } = deadline(this.#deps.clock, this.#options.inputTimeoutMs, active.control.signal)
    const late = aborted(signal).then(() => {
      active.control.signal.throwIfAborted()
      throw new PlexiError('SYSTEM_TIMEOUT', { what: 'waiting for input', timeoutMs: this.#options.inputTimeoutMs })
    })
    try {
      await Promise.race([active.input.begun, late])
    } finally {
      clear()
    }
  }

  #context(active: Active): JobContext {
    return {
      id: active.row.id,
      request: active.row.request,
      begunBefore: active.row.started,
      signal: active.control.signal,
      input: active.input,
      emit: (event) => {
        active.log.add(event)
        const { type, ...summary } = event
        this.#change(active, type === 'saved' ? { summary } : {})
      },
    }
  }

  #stopped(active: Active, error: unknown): void {
    active.input.fail(error)
    if (active.cancelled)
      this.#end(active, 'cancelled', new PlexiError('SYSTEM_INTERRUPTED', {}, { message: 'cancelled' }))
    else if (this.#stopping && active.control.signal.aborted) {
      active.log.close()
      this.#ledger.write(active)
      this.#active.delete(active.row.id)
    } else this.#end(active, 'failed', toPlexiError(error))
  }

  #end(active: Active, state: 'done' | 'failed' | 'cancelled', result: Summary | PlexiError): void {
    const ended = this.#deps.clock.now()
    if (result instanceof PlexiError) {
      const failure = failureOf(result)
      if (state === 'failed') this.#deps.log.warn('job failed', { job: active.row.id, error: result })
      active.log.add({ type: 'error', ...failure })
      this.#change(active, { state, ended, error: failure })
    } else {
      active.log.add({ ...result, type: 'summary' })
      this.#change(active, { state, ended, summary: result })
    }
    this.#announce(active, state)
  }

  #change(active: Active, change: JobChange): void {
    this.#ledger.change(active, change)
    if (change.state !== undefined) for (const listener of this.#listeners) listener(active.row)
  }

  /** Its end is durable. */
  #recorded(row: JobRow): void {
    this.#active.delete(row.id)
    try {
      this.#deps.store.trim(this.#options.maxEnded)
    } catch (error) {
      // The next one that ends tries again.
      this.#deps.log.warn('old jobs could not be forgotten', { error: toPlexiError(error) })
    }
  }

  #announce(active: Active, what: string): void {
    const { id, title, error } = active.row
    this.#deps.events.emit('job', `${title}: ${what}`, { job: id, ...(error === null ? {} : { code: error.code }) })
  }

  #view(row: JobRow): Job {
    const active = this.#active.get(row.id)
    const { id, kind, state, title, error } = row
    return {
      ...{ id, kind, state, title, error },
      created: isoTime(row.created),
      started: row.started === null ? null : isoTime(row.started),
      ended: row.ended === null ? null : isoTime(row.ended),
      progress: active?.log.progress ?? null,
      summary: row.summary,
      wantsInput: row.streams && active !== undefined && !active.input.fed,
    }
  }
}

function interruption(why: string): DOMException {
  return new DOMException(why, 'AbortError')
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

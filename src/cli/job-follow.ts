/**
 * Follows a job of the daemon to its end: progress and notes for people, JSON lines for programs, and the ways to stop
 * watching: the wait ran out, Ctrl-C. What stops watching does not stop the job unless asked to.
 */
import { errorOfProblem, type Failure, type Job, type JobEvent } from '../api/index.ts'
import { SECOND } from '../base/clock.ts'
import { PlexiError, isPlexiError } from '../base/errors.ts'
import { cliClock } from './clock.ts'
import { progressView, type ProgressView } from './progress.ts'
import type { Session } from './session.ts'

/** After the first Ctrl-C a second one within this time cancels the job. */
const SECOND_THOUGHTS_MS = 1.5 * SECOND
/** A job that is silent for this long from its start may wait for another one. */
const SILENT_MS = SECOND

export interface FollowOptions {
  /** Stop watching after this long without progress, once the work itself is done here; undefined: never. */
  readonly waitMs?: number
  /** What the first Ctrl-C does: `detach` leaves the job running, `cancel` ends it. */
  readonly onInterrupt: 'detach' | 'cancel'
  /** Stop watching once the job has reached what it can now and waits for something that may take days. */
  readonly untilSaved?: boolean
  /** Stream into the job while following it. */
  readonly input?: AsyncIterable<Uint8Array>
}

export type FollowEnd =
  | { readonly end: 'done'; readonly job: Job; readonly summary: Readonly<Record<string, unknown>> }
  /** No progress for `waitMs`, or saved; the job goes on. `saved` is what is known so far. */
  | { readonly end: 'stalled'; readonly job: Job; readonly saved: Readonly<Record<string, unknown>> }

/** Throws the job's own error, `SYSTEM_INTERRUPTED`, `SYSTEM_TIMEOUT`, `SYSTEM_DAEMON_NOT_RUNNING`. */
export async function followJob(session: Session, job: Job, options: FollowOptions): Promise<FollowEnd> {
  return new Follower(session, job, options).run()
}

class Follower {
  readonly #session: Session
  readonly #options: FollowOptions
  readonly #view: ProgressView
  /** Ends the reading of events: with `stalled`, or an error. */
  readonly #leave = new AbortController()
  #job: Job
  #saved: Readonly<Record<string, unknown>> | undefined
  #lastMove = cliClock.elapsed()
  #lastFigures = ''
  #interrupts = 0
  /** Whether the job has told anything. */
  #heard = false

  constructor(session: Session, job: Job, options: FollowOptions) {
    this.#session = session
    this.#job = job
    this.#options = options
    this.#view = progressView(session)
  }

  async run(): Promise<FollowEnd> {
    const { signal } = this.#session
    const forward = (): void => {
      this.#leave.abort(signal.reason)
    }
    signal.addEventListener('abort', forward)
    this.#session.takeInterrupts(() => {
      this.#interrupted()
    })
    const watching = new AbortController()
    this.#watchStall(watching.signal)
    this.#tellOfQueue(watching.signal).catch(() => undefined)
    const sending = this.#send()
    try {
      signal.throwIfAborted()
      return await this.#read()
    } catch (error) {
      if (this.#leave.signal.aborted && this.#leave.signal.reason === STALLED && this.#saved !== undefined)
        return { end: 'stalled', job: this.#job, saved: this.#saved }
      throw this.#leave.signal.aborted ? this.#leave.signal.reason : this.#orStopped(error)
    } finally {
      watching.abort()
      signal.removeEventListener('abort', forward)
      this.#leave.abort()
      await sending
      this.#view.stop()
    }
  }

  async #read(): Promise<FollowEnd> {
    const client = await this.#session.client()
    const { out } = this.#session
    let summary: Readonly<Record<string, unknown>> | undefined
    out.line('started', { job: this.#job.id, kind: this.#job.kind })
    for await (const frame of client.follow({ job: this.#job.id, since: 0 }, this.#leave.signal)) {
      if (frame.type === 'end' && frame.job !== null) this.#job = frame.job
      if (frame.type !== 'job') continue
      const { event } = frame
      if (event.type === 'summary') summary = withoutType(event)
      else if (event.type === 'error') throw jobError(event)
      else this.#show(frame.seq, event)
    }
    if (this.#job.state === 'done') summary ??= this.#job.summary ?? undefined
    if (summary !== undefined) return { end: 'done', job: this.#job, summary }
    throw this.#job.error === null
      ? new PlexiError('SYSTEM_INTERRUPTED', {}, { message: `job ${this.#job.id} was cancelled` })
      : jobError(this.#job.error)
  }

  /** A daemon that stops keeps its jobs. */
  #orStopped(error: unknown): unknown {
    // Of a stream that broke nothing can be taken up again.
    if (!isPlexiError(error, 'SYSTEM_DAEMON_NOT_RUNNING') || this.#options.input !== undefined) return error
    const message = `${error.message}; job ${this.#job.id} goes on when it runs again`
    const remedy = `plexichat up; then: plexichat jobs attach ${this.#job.id}`
    return new PlexiError('SYSTEM_DAEMON_NOT_RUNNING', { job: this.#job.id }, { message, remedy, cause: error })
  }

  #show(seq: number, event: Exclude<JobEvent, { type: 'summary' | 'error' }>): void {
    const { out, options } = this.#session
    this.#heard = true
    this.#noteMove(event)
    if (event.type === 'saved') this.#saved = withoutType(event)
    if (event.type === 'progress') {
      this.#view.show(event)
      if (!options.progress) return
    }
    if (event.type === 'note' && !out.json) {
      this.#view.pause()
      if (event.level === 'warning') out.warn(event.path === undefined ? event.text : `${event.path}: ${event.text}`)
      else if (options.verbose > 0) out.note(event.text)
    }
    out.line(event.type, { job: this.#job.id, seq, ...withoutType(event) })
    if (event.type === 'saved' && this.#options.untilSaved === true) this.#leave.abort(STALLED)
  }

  /** Progress is what changes a figure; being told the same again is none. */
  #noteMove(event: JobEvent): void {
    if (event.type === 'note') return
    const { files, bytes, placed, queued, phase } = event as unknown as Record<string, unknown>
    const figures = JSON.stringify([event.type, files, bytes, placed, queued, phase])
    if (event.type === 'progress' || event.type === 'saved') {
      if (figures === this.#lastFigures) return
      this.#lastFigures = figures
    }
    this.#lastMove = cliClock.elapsed()
  }

  #watchStall(signal: AbortSignal): void {
    const { waitMs } = this.#options
    if (waitMs === undefined) return
    const loop = async (): Promise<void> => {
      for (;;) {
        const left = this.#lastMove + waitMs - cliClock.elapsed()
        // A pipe may be slow for reasons of its own: what it feeds is not left before it is saved.
        if (left <= 0 && (this.#saved !== undefined || this.#options.input === undefined)) {
          this.#leave.abort(this.#saved === undefined ? stuck(this.#job) : STALLED)
          return
        }
        await cliClock.sleep(Math.max(left, 50), signal)
      }
    }
    loop().catch(() => undefined)
  }

  /** Says once why nothing happens. */
  async #tellOfQueue(signal: AbortSignal): Promise<void> {
    await cliClock.sleep(SILENT_MS, signal)
    if (this.#heard) return
    const client = await this.#session.client()
    const { id, state } = await client.call('job', { params: { id: this.#job.id } }, { signal })
    if (state === 'queued')
      this.#session.out.note(`Job ${id} begins when the ones before it have ended: plexichat jobs ls`)
  }

  async #send(): Promise<void> {
    const { input } = this.#options
    if (input === undefined) return
    const client = await this.#session.client()
    try {
      await client.upload('jobInput', { params: { id: this.#job.id }, source: input }, { signal: this.#leave.signal })
    } catch (error) {
      // The job waits for bytes that will not come. If it ended by itself, its own error says more.
      await this.#cancel()
      if (!isPlexiError(error, 'SYSTEM_DAEMON_NOT_RUNNING')) this.#leave.abort(error)
    }
  }

  #interrupted(): void {
    this.#interrupts++
    const { out } = this.#session
    this.#view.stop()
    if (this.#options.onInterrupt === 'cancel' || this.#interrupts > 1) {
      if (this.#interrupts > 2) this.#leave.abort(new PlexiError('SYSTEM_INTERRUPTED'))
      else out.note(`Cancelling job ${this.#job.id} …`)
      void this.#cancel().then(() => {
        this.#leave.abort(new PlexiError('SYSTEM_INTERRUPTED', {}, { message: `job ${this.#job.id} was cancelled` }))
      })
      return
    }
    out.note(
      `Detached: job ${this.#job.id} goes on. Ctrl-C again now cancels it; to watch it: plexichat jobs attach ${this.#job.id}`,
    )
    const detach = (): void => {
      if (this.#interrupts > 1) return
      this.#leave.abort(new PlexiError('SYSTEM_INTERRUPTED', {}, { message: `detached; job ${this.#job.id} goes on` }))
    }
    cliClock.sleep(SECOND_THOUGHTS_MS, this.#leave.signal).then(detach, () => undefined)
  }

  async #cancel(): Promise<void> {
    try {
      const client = await this.#session.client()
      await client.call('jobCancel', { params: { id: this.#job.id } })
    } catch {
      // It ended before us, or the daemon did.
    }
  }
}

const STALLED = new PlexiError('SYSTEM_TIMEOUT', { what: 'waiting for hosts', timeoutMs: 0 })

/** Nothing moved and nothing is saved yet: the outbox is full without hosts, or another job runs first. */
function stuck(job: Job): PlexiError {
  const message = `nothing moves: the outbox is full and no host makes room, or another job runs first; job ${job.id} goes on`
  return new PlexiError('STORAGE_OUTBOX_FULL', { job: job.id }, { message })
}

function jobError(failure: Failure): PlexiError {
  const { code, message, details, remedy } = failure
  return errorOfProblem({ code, detail: message, details, remedy })
}

function withoutType(event: JobEvent): Readonly<Record<string, unknown>> {
  const { type: _, ...fields } = event
  return fields
}

/**
 * Brings to hosts what is queued: at once when there is reason to hope (a backup ended, a peer came), else after a
 * growing pause. It never gives up, and it costs nothing while nothing waits.
 */
import type { DrainEvent, DrainSummary, EngineStatus, Note } from '../backup/index.ts'
import { deadline, MINUTE, SECOND, type Clock } from '../base/clock.ts'
import { toPlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Waiters } from './waiters.ts'

export interface PlacementLoopOptions {
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** How often it looks whether somebody came while it pauses. */
  readonly lookMs: number
}

export const placementDefaults: PlacementLoopOptions = {
  firstPauseMs: 2 * SECOND,
  maxPauseMs: 2 * MINUTE,
  lookMs: SECOND,
}

export interface PlacementLoopDeps {
  readonly engine: {
    drain(signal: AbortSignal): AsyncGenerator<DrainEvent>
    status(): Pick<EngineStatus, 'queued'>
  }
  /** Who would take something now; cheap to ask. */
  readonly eligible: () => readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export class PlacementLoop implements Service {
  readonly #options: PlacementLoopOptions
  readonly #deps: PlacementLoopDeps
  readonly #control = new AbortController()
  readonly #kicks = new Waiters()
  readonly #changes = new Waiters()
  readonly #listeners = new Set<(note: Note) => void>()
  #kicked = false
  #last: DrainSummary | undefined
  #done: Promise<void> = Promise.resolve()

  constructor(options: PlacementLoopOptions, deps: PlacementLoopDeps) {
    this.#options = options
    this.#deps = deps
  }

  async start(): Promise<void> {
    this.#done = this.#run(this.#control.signal)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** There is something to place, or somebody to place it on. */
  kick(): void {
    this.#kicked = true
    this.#kicks.wake()
  }

  /** How the newest attempt ended; undefined before the first. */
  get last(): DrainSummary | undefined {
    return this.#last
  }

  /** Resolves after the next attempt, when `maxMs` have passed, or when the signal fires. */
  async attempt(maxMs: number, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.#deps.clock, maxMs, signal)
    await this.#changes.wait(limit.signal)
    limit.clear()
  }

  /** Hears what the attempts have to tell. Returns the way to stop listening. */
  listen(listener: (note: Note) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    let pauseMs = this.#options.firstPauseMs
    while (!signal.aborted) {
      this.#kicked = false
      const queued = this.#deps.engine.status().queued
      if (queued === 0) {
        await this.#kicks.wait(signal)
        pauseMs = this.#options.firstPauseMs
        continue
      }
      const known = new Set(this.#deps.eligible())
      const summary = await this.#drain(signal)
      if (summary !== undefined && summary.queued < queued) pauseMs = this.#options.firstPauseMs
      if (this.#deps.engine.status().queued === 0) continue
      if (await this.#pause(pauseMs, known, signal)) pauseMs = this.#options.firstPauseMs
      else pauseMs = Math.min(this.#options.maxPauseMs, pauseMs * 2)
    }
  }

  async #drain(signal: AbortSignal): Promise<DrainSummary | undefined> {
    try {
      for await (const event of this.#deps.engine.drain(signal)) {
        if (event.type === 'summary') this.#last = event
        else for (const listener of this.#listeners) listener(event)
      }
      return this.#last
    } catch (error) {
      if (!signal.aborted) this.#deps.log.warn('placing failed', { error: toPlexiError(error) })
      return undefined
    } finally {
      this.#changes.wake()
    }
  }

  /** True when it was cut short: by a kick, or because somebody new would take something. */
  async #pause(ms: number, known: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const { clock, random, eligible } = this.#deps
    const end = clock.elapsed() + ms / 2 + random.below(Math.max(1, Math.floor(ms / 2)))
    while (!signal.aborted && clock.elapsed() < end) {
      if (isTrue(this.#kicked) || eligible().some((peer) => !known.has(peer))) return true
      const limit = deadline(clock, Math.min(this.#options.lookMs, end - clock.elapsed()), signal)
      await this.#kicks.wait(limit.signal)
      limit.clear()
    }
    return isTrue(this.#kicked)
  }
}

/** Read through a call: `kick` sets it while the loop waits. */
function isTrue(flag: boolean): boolean {
  return flag
}

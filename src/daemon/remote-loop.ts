/**
 * Keeps remotes up to date: looks which are there, and copies to them what they lack. Drives come and go: one that came is
 * told, its head is held against the own history, and it is caught up. Spec: docs/REMOTES.md.
 */
import type { BackupEngine, RemoteInfo } from '../backup/index.ts'
import { deadline, MINUTE, SECOND, type Clock } from '../base/clock.ts'
import { toPlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { FoundHead } from '../shard/index.ts'
import type { EventHub } from './event-hub.ts'
import { Waiters } from './waiters.ts'

export interface RemoteLoopOptions {
  /** How often it looks which remotes are there. */
  readonly lookMs: number
  /** Pause after an attempt that copied nothing, doubled each time up to the second. */
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

export const remoteDefaults: RemoteLoopOptions = {
  lookMs: 5 * SECOND,
  firstPauseMs: 5 * SECOND,
  maxPauseMs: 5 * MINUTE,
}

export interface RemoteLoopDeps {
  readonly engine: Pick<BackupEngine, 'remotes'>
  readonly events: Pick<EventHub, 'emit'>
  /** A remote came: what waits for a place may go now. */
  readonly came: () => void
  /** Heads that lie on it. */
  readonly met: (heads: readonly FoundHead[], signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

export class RemoteLoop implements Service {
  readonly #options: RemoteLoopOptions
  readonly #deps: RemoteLoopDeps
  readonly #control = new AbortController()
  readonly #kicks = new Waiters()
  #done: Promise<void> = Promise.resolve()
  #kicked = false
  #pauseMs = 0
  #notBefore = 0

  constructor(options: RemoteLoopOptions, deps: RemoteLoopDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** Remotes that are there are known once it resolves. */
  async start(): Promise<void> {
    await this.#look(this.#control.signal)
    this.#done = this.#run(this.#control.signal)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Something changed: look and copy now. */
  kick(): void {
    this.#kicked = true
    this.#notBefore = 0
    this.#pauseMs = 0
    this.#kicks.wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#kicked = false
      try {
        await this.#look(signal)
        await this.#copy(signal)
      } catch (error) {
        if (!isTrue(signal.aborted)) this.#deps.log.warn('remotes could not be kept up', { error: toPlexiError(error) })
      }
      if (isTrue(this.#kicked)) continue
      const limit = deadline(this.#deps.clock, this.#options.lookMs, signal)
      await this.#kicks.wait(limit.signal)
      limit.clear()
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { engine, events, came, met } = this.#deps
    const before = new Set(there(engine.remotes.list()))
    await engine.remotes.look()
    const now = there(engine.remotes.list())
    for (const path of before) if (!now.includes(path)) events.emit('storage', `the remote ${path} went away`)
    const fresh = now.filter((path) => !before.has(path))
    for (const path of fresh) {
      events.emit('storage', `the remote ${path} is there`)
      await met(await engine.remotes.heads(path), signal)
    }
    if (fresh.length > 0) {
      this.#notBefore = 0
      came()
    }
  }

  /** What brought nothing, because what is missing cannot be had now, is tried less and less often. */
  async #copy(signal: AbortSignal): Promise<void> {
    const { engine, clock, log } = this.#deps
    if (!engine.remotes.due() || clock.elapsed() < this.#notBefore) return
    const copied = await engine.remotes.mirror(signal)
    if (copied > 0) log.info('copied to remotes', { shards: copied })
    if (copied > 0 || !engine.remotes.due()) {
      this.#pauseMs = 0
      return
    }
    const { firstPauseMs, maxPauseMs } = this.#options
    this.#pauseMs = Math.min(maxPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
    this.#notBefore = clock.elapsed() + this.#pauseMs
  }
}

function there(remotes: readonly RemoteInfo[]): string[] {
  return remotes.filter(({ state }) => state === 'present' || state === 'full').map(({ path }) => path)
}

/** Read through a call: `kick` sets it while the loop works. */
function isTrue(flag: boolean): boolean {
  return flag
}

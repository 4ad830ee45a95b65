/**
 * Looks once after the start what hosts know of this very device. A newer head of its own means that this disk was put
 * back in time: the history on the hosts is taken over before anything is built on the old one, and an alarm tells.
 * Spec: docs/spec/04-snapshot-and-head.md § Publishing. Until then hosts refuse the older head anyway.
 */
import type { Adoption, BackupEngine } from '../backup/index.ts'
import { SECOND, type Clock } from '../base/clock.ts'
import { isPlexiError, toPlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { openNotice, type FoundHead, type ShardNetwork } from '../shard/index.ts'
import type { Condition } from './status/alarms.ts'

export interface HeadWatchDeps {
  readonly engine: Pick<BackupEngine, 'adopt' | 'status'>
  readonly network: Pick<ShardNetwork, 'findHeads'>
  readonly device: PeerKey
  /** Somebody is there to be asked. */
  readonly online: () => boolean
  /** What is queued may go now. */
  readonly adopted: () => void
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = SECOND
const RETRY_MS = 30 * SECOND
const ATTEMPTS = 5

export class HeadWatch implements Service {
  readonly #deps: HeadWatchDeps
  readonly #control = new AbortController()
  #alarms: readonly Condition[] = []
  #done: Promise<void> = Promise.resolve()

  constructor(deps: HeadWatchDeps) {
    this.#deps = deps
  }

  /** What was met, for `status`, until the next start. */
  get alarms(): readonly Condition[] {
    return this.#alarms
  }

  async start(): Promise<void> {
    // A device that never published has nothing out there to meet.
    if (this.#deps.engine.status().headSeq > 0) this.#done = this.#watch(this.#control.signal).catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Heads met elsewhere, such as on a drive that came: the same holds for them. */
  async consider(found: readonly FoundHead[], signal: AbortSignal): Promise<void> {
    const newer = this.#newer(found)
    if (newer.length > 0) await this.#takeOver(newer, signal)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log, network, online } = this.#deps
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      while (!online()) await clock.sleep(LOOK_MS, signal)
      try {
        const newer = this.#newer(await network.findHeads(signal))
        if (newer.length > 0) await this.#takeOver(newer, signal)
        return
      } catch (error) {
        signal.throwIfAborted()
        log.warn('hosts could not be asked for heads of this device', { error: toPlexiError(error) })
        await clock.sleep(RETRY_MS, signal)
      }
    }
  }

  /** Heads of this device that are not behind what it made itself; the engine tells equal from forked. */
  #newer(found: readonly FoundHead[]): FoundHead[] {
    const { headSeq } = this.#deps.engine.status()
    return found.filter(({ bundle, source }) => {
      try {
        const { device, seq } = openNotice(bundle.notice)
        return device === this.#deps.device && seq >= headSeq
      } catch (error) {
        if (!isPlexiError(error)) throw error
        this.#deps.log.debug('a member served no head', { peer: source, error })
        return false
      }
    })
  }

  async #takeOver(heads: readonly FoundHead[], signal: AbortSignal): Promise<void> {
    const { engine, log, adopted } = this.#deps
    const adoption: Adoption = await engine.adopt(heads, signal)
    this.#alarms = adoption.alarms.map(({ code, text }) => ({ code, text }))
    if (adoption.alarms.length === 0) return
    log.warn('hosts know a newer history of this device', {
      seq: adoption.headSeq,
      codes: adoption.alarms.map(({ code }) => code),
    })
    adopted()
  }
}

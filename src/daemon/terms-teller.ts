/**
 * Brings the vault's newest terms to every host: at once when they change, and again and again to those that did not
 * answer, so that a device that was revoked is refused everywhere. Spec: docs/spec/01-keys.md § Terms
 */
import { MINUTE, SECOND, type Clock } from '../base/clock.ts'
import { toPlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { PeerKey } from '../crypto/ids.ts'

export interface TermsTellerDeps {
  readonly node: { tellTerms(signal: AbortSignal): Promise<{ told: number; missing: PeerKey[] }> }
  readonly online: () => boolean
  /** True where the terms say more than the first ones do. */
  readonly worthTelling: () => boolean
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = 2 * SECOND
const FIRST_PAUSE_MS = MINUTE
const MAX_PAUSE_MS = 60 * MINUTE

export class TermsTeller implements Service {
  readonly #deps: TermsTellerDeps
  readonly #control = new AbortController()
  #done: Promise<void> = Promise.resolve()

  constructor(deps: TermsTellerDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    this.#done = this.#run(this.#control.signal).catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Tells everybody now. Whoever is missing is told later. */
  tell(signal: AbortSignal): Promise<{ told: number; missing: PeerKey[] }> {
    return this.#deps.node.tellTerms(signal)
  }

  /** Hosts keep what they saw: after everybody has, nothing is to be done but after a restart, or when hosts were away. */
  async #run(signal: AbortSignal): Promise<void> {
    const { clock, log, online, worthTelling } = this.#deps
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted) {
      while (!online() || !worthTelling()) await clock.sleep(LOOK_MS, signal)
      try {
        const { told, missing } = await this.tell(signal)
        pauseMs = missing.length === 0 ? MAX_PAUSE_MS : Math.min(MAX_PAUSE_MS, pauseMs * 2)
        log.debug('hosts were shown the terms', { told, missing: missing.length })
      } catch (error) {
        signal.throwIfAborted()
        log.warn('hosts could not be shown the terms', { error: toPlexiError(error).message })
      }
      await clock.sleep(pauseMs, signal)
    }
  }
}

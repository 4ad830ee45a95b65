/**
 * Looks what hosts know of this vault: right after the start, whenever somebody asks, and now and then while the vault
 * has other devices. Heads of others are taken in, a newer authority is learned, and a head of this very device that it
 * did not make means that its disk was put back in time: that history is taken over, and an alarm tells.
 * Spec: docs/spec/04-snapshot-and-head.md § Several devices. Invariant: keys first, heads after: they may need them.
 */
import type { Adoption, BackupEngine } from '../backup/index.ts'
import { MINUTE, SECOND, type Clock } from '../base/clock.ts'
import { isPlexiError, toPlexiError } from '../base/errors.ts'
import type { Service } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { openNotice, type FoundHead, type ShardNetwork } from '../shard/index.ts'
import type { Condition } from './status/alarms.ts'

export interface HeadWatchDeps {
  readonly engine: Pick<BackupEngine, 'sync' | 'status'>
  readonly network: Pick<ShardNetwork, 'findHeads'>
  readonly device: PeerKey
  readonly record: {
    learn(found: readonly FoundHead[], signal: AbortSignal): Promise<boolean>
  }
  /** How many devices of the vault are not revoked, this one included. */
  readonly devices: () => number
  /** Whether this device may read what others made. */
  readonly reads: boolean
  /** Somebody is there to be asked. */
  readonly online: () => boolean
  /** What is queued may go now. */
  readonly adopted: () => void
  readonly clock: Clock
  readonly log: Logger
}

const LOOK_MS = SECOND
const RETRY_MS = 30 * SECOND
/** How often a device looks what the others did. */
const EVERY_MS = 15 * MINUTE

export class HeadWatch implements Service {
  readonly #deps: HeadWatchDeps
  readonly #control = new AbortController()
  #alarms: readonly Condition[] = []
  #done: Promise<void> = Promise.resolve()
  #looking: Promise<Adoption | undefined> | undefined

  constructor(deps: HeadWatchDeps) {
    this.#deps = deps
  }

  /** What was met, for `status`, until the next start. */
  get alarms(): readonly Condition[] {
    return this.#alarms
  }

  async start(): Promise<void> {
    this.#done = this.#watch(this.#control.signal).catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
  }

  /** Looks now. Undefined where no head of the vault is out there. Throws `NETWORK_NO_BOOTSTRAP`. */
  look(signal: AbortSignal): Promise<Adoption | undefined> {
    this.#looking ??= this.#look(signal).finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Heads met elsewhere, such as on a drive that came: the same holds for them. */
  async consider(found: readonly FoundHead[], signal: AbortSignal): Promise<void> {
    await this.#take(found, signal)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, log, online, engine, devices } = this.#deps
    while (!signal.aborted) {
      // A device that is alone and never published has nothing out there to meet.
      const alone = devices() < 2
      while (!online() || (alone && engine.status().headSeq === 0 && devices() < 2)) await clock.sleep(LOOK_MS, signal)
      try {
        await this.look(signal)
        await this.#pause(alone, signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn('hosts could not be asked for heads of this vault', { error: toPlexiError(error) })
        await clock.sleep(RETRY_MS, signal)
      }
    }
  }

  /** Who is alone looks once; the others go on. */
  async #pause(alone: boolean, signal: AbortSignal): Promise<void> {
    const { clock, devices } = this.#deps
    const end = clock.elapsed() + EVERY_MS
    while (alone ? devices() < 2 : clock.elapsed() < end) await clock.sleep(LOOK_MS, signal)
  }

  async #look(signal: AbortSignal): Promise<Adoption | undefined> {
    return this.#take(await this.#deps.network.findHeads(signal), signal)
  }

  async #take(found: readonly FoundHead[], signal: AbortSignal): Promise<Adoption | undefined> {
    const { engine, log, adopted, record, device, reads } = this.#deps
    if (found.length === 0) return undefined
    await record.learn(found, signal)
    const wanted = reads ? found : found.filter(({ bundle }) => isOf(bundle.notice, device))
    if (wanted.length === 0) return undefined
    const adoption = await engine.sync(wanted, signal)
    const own = adoption.alarms.filter(({ peer }) => peer === device)
    if (own.length > 0) {
      this.#alarms = own.map(({ code, text }) => ({ code, text }))
      log.warn('hosts know another history of this device', { codes: own.map(({ code }) => code) })
    }
    for (const { code, text } of adoption.alarms) log.info('met while looking at heads', { code, text })
    if (adoption.news > 0) adopted()
    return adoption
  }
}

function isOf(notice: Uint8Array, device: PeerKey): boolean {
  try {
    return openNotice(notice).device === device
  } catch (error) {
    if (isPlexiError(error)) return false
    throw error
  }
}

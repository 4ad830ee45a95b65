/**
 * Brings messages to their targets. Spec: docs/AUTOMATION.md § Who is told. Invariants: a message is durable before
 * anything is sent and leaves the queue once it was taken or given up, so a restart loses none (a receiver may see one
 * twice, under the same id); targets wait for nobody but themselves; secrets and URLs reach no log.
 */
import type { TargetTest } from '../../api/index.ts'
import { toHex } from '../../base/bytes.ts'
import { deadline, isoTime, SECOND, type Clock } from '../../base/clock.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { Service } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Condition } from '../status/alarms.ts'
import { Waiters } from '../waiters.ts'
import { wanted, type Message, type Told } from './message.ts'
import type { NotifyOptions } from './options.ts'
import type { DeliveryRow, TargetRow, TargetStore } from './target-store.ts'
import { webhookHeaders } from './webhook.ts'

export interface NotifierDeps {
  readonly store: TargetStore
  /** The status of the answer. Throws when unreachable. */
  readonly post: (
    request: { url: string; headers: Readonly<Record<string, string>>; body: string },
    signal: AbortSignal,
  ) => Promise<number>
  /** How the program ended. Throws when it cannot be started. */
  readonly run: (
    argv: readonly string[],
    input: string,
    signal: AbortSignal,
  ) => Promise<{ code: number | null; signal: string | null }>
  /** How this machine is called. */
  readonly sender: () => { readonly device: string; readonly vault: string }
  /** Something was delivered or failed: alarms may change. */
  readonly changed: () => void
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const ID_BYTES = 8
/** Wall clocks jump: never wait longer for a time on the wall. */
const LOOK_MS = 20 * SECOND
/** One failure is no alarm yet. */
const ALARM_ATTEMPTS = 3

export class Notifier implements Service {
  readonly #options: NotifyOptions
  readonly #deps: NotifierDeps
  readonly #control = new AbortController()
  readonly #kicks = new Waiters()
  readonly #busy = new Map<string, Promise<void>>()
  /** What each target took last: where that could not be written down it is not sent again. */
  readonly #taken = new Map<string, number>()
  #done: Promise<void> = Promise.resolve()

  constructor(options: NotifyOptions, deps: NotifierDeps) {
    this.#options = options
    this.#deps = deps
  }

  async start(): Promise<void> {
    this.#done = this.#run(this.#control.signal)
  }

  async stop(): Promise<void> {
    this.#control.abort(new DOMException('the daemon stops', 'AbortError'))
    await this.#done
    await Promise.all(this.#busy.values())
  }

  /** Queues a message for every target that wants it, except one it is about. What cannot be queued is sent at once. */
  tell(told: Told, except?: string): void {
    const { store, clock, log } = this.#deps
    const message = this.#message(told)
    const body = JSON.stringify(message)
    for (const target of store.list()) {
      if (target.name === except || !wanted(told, target.wants)) continue
      try {
        store.queue({ id: message.id, target: target.name, body, created: clock.now() })
      } catch (error) {
        log.warn('a message could not be queued', { type: told.type, error: toPlexiError(error) })
        this.#sendUnqueued(target, { ...message, body })
      }
    }
    this.#kicks.wake()
  }

  /** Who is to learn of a full disk cannot be told by way of it: once, and one at a time for a target. */
  #sendUnqueued(target: TargetRow, message: Pick<Message, 'id' | 'type'> & { body: string }): void {
    if (this.#busy.has(target.name)) return
    const work = this.#send(target, message, this.#control.signal).then(() => this.#idle(target.name))
    this.#busy.set(target.name, work)
  }

  #idle(target: string): void {
    this.#busy.delete(target)
    this.#kicks.wake()
  }

  /** One message past the queue. */
  async test(name: string, signal: AbortSignal): Promise<TargetTest> {
    const target = this.#deps.store.get(name)
    const message = this.#message({ type: 'test', text: 'A test message of PlexiChat' })
    const why = await this.#send(target, { ...message, body: JSON.stringify(message) }, signal)
    return { name, ok: why === undefined, text: why ?? 'it took the message' }
  }

  /** Targets that take nothing. */
  conditions(): Condition[] {
    const { store } = this.#deps
    const heads = new Map(store.heads().map((head) => [head.target, head.attempts]))
    return store.list().flatMap(({ name, error }) => {
      if (error === null || (heads.get(name) ?? ALARM_ATTEMPTS) < ALARM_ATTEMPTS) return []
      return [{ code: 'SYSTEM_NOTIFY_FAILED', about: name, details: { target: name, reason: error } }]
    })
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const limit = deadline(this.#deps.clock, this.#begin(signal), signal)
      await this.#kicks.wait(limit.signal)
      limit.clear()
    }
  }

  /** Starts what is due; milliseconds until something may be due again. */
  #begin(signal: AbortSignal): number {
    const { store, clock, log } = this.#deps
    try {
      const now = clock.now()
      const idle = store.heads().filter(({ target }) => !this.#busy.has(target))
      // A time further away than any pause was meant by a clock that has been set back since.
      const isDue = ({ due }: DeliveryRow): boolean => due <= now || due > now + this.#options.maxPauseMs
      for (const delivery of idle.filter(isDue)) {
        const work = this.#deliver(delivery, signal).finally(() => this.#idle(delivery.target))
        this.#busy.set(delivery.target, work)
      }
      const next = Math.min(...idle.filter((delivery) => !isDue(delivery)).map(({ due }) => due - now))
      return Math.max(1, Math.min(LOOK_MS, next))
    } catch (error) {
      log.warn('the queue of messages could not be read', { error: toPlexiError(error) })
      return LOOK_MS
    }
  }

  /** Never rejects. */
  async #deliver(delivery: DeliveryRow, signal: AbortSignal): Promise<void> {
    const { store, clock, log, changed } = this.#deps
    try {
      const message = { ...(JSON.parse(delivery.body) as Message), body: delivery.body }
      const taken = this.#taken.get(delivery.target) === delivery.number
      const why = taken ? undefined : await this.#send(store.get(delivery.target), message, signal)
      if (signal.aborted) return
      if (why === undefined) {
        this.#taken.set(delivery.target, delivery.number)
        store.delivered(delivery, clock.now())
      } else this.#failed(delivery, why)
      changed()
    } catch (error) {
      if (!signal.aborted) log.warn('a delivery could not be written down', { error: toPlexiError(error) })
      await clock.sleep(LOOK_MS, signal).catch(() => undefined)
    }
  }

  #failed(delivery: DeliveryRow, why: string): void {
    const { store, clock, random, log } = this.#deps
    const { firstPauseMs, maxPauseMs, attempts } = this.#options
    const now = clock.now()
    const ceiling = Math.min(maxPauseMs, firstPauseMs * 4 ** delivery.attempts)
    const pause = ceiling / 2 + random.below(Math.ceil(ceiling / 2))
    const last = delivery.attempts + 1 >= attempts
    store.failed(delivery, why, { now, next: last ? undefined : now + pause })
    log.warn(last ? 'a message was given up' : 'a message was not taken', { target: delivery.target, why })
  }

  /** Why it was not taken; undefined when it was. */
  async #send(
    { kind, address, secret }: TargetRow,
    message: Pick<Message, 'id' | 'type'> & { body: string },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { post, run, clock } = this.#deps
    const { webhookTimeoutMs, commandTimeoutMs } = this.#options
    const limitMs = kind === 'webhook' ? webhookTimeoutMs : commandTimeoutMs
    const limit = deadline(clock, limitMs, signal)
    try {
      if (kind === 'command')
        return programFault(await run(JSON.parse(address) as string[], `${message.body}\n`, limit.signal))
      const headers = webhookHeaders(message, message.body, { secret, now: clock.now() })
      return statusFault(await post({ url: address, headers, body: message.body }, limit.signal))
    } catch (error) {
      return limit.signal.aborted && !signal.aborted ? `no answer in ${limitMs / SECOND} s` : faultOf(error)
    } finally {
      limit.clear()
    }
  }

  #message(told: Told): Message {
    const { clock, random, sender } = this.#deps
    return { v: 1, id: toHex(random.bytes(ID_BYTES)), time: isoTime(clock.now()), ...sender(), ...told }
  }
}

function statusFault(status: number): string | undefined {
  if (status >= 200 && status < 300) return undefined
  return status >= 300 && status < 400 ? `HTTP ${status}: redirects are not followed` : `HTTP ${status}`
}

function programFault({ code, signal }: { code: number | null; signal: string | null }): string | undefined {
  if (code === 0) return undefined
  return code === null ? `it was ended by ${signal ?? 'a signal'}` : `it ended with code ${code}`
}

/** By the system's code: messages may hold the URL. */
function faultOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === undefined ? 'it could not be reached' : `it could not be reached: ${code}`
}

/**
 * Uploading one stripe: all missing shards at once, each to its slot's host, a standby taking over for good where that
 * host fails (docs/spec/06-dht-records.md, placement groups). Invariant: a receipt is reported only after the host
 * signed it; every failure is reported with the host's name, or as ours; a host gets at most one shard of a stripe.
 */
import { toHex } from '../../base/bytes.ts'
import { deadline, type Clock } from '../../base/clock.ts'
import { isPlexiError, PlexiError, toPlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import { Channel } from '../../base/queue.ts'
import type { Random } from '../../base/random.ts'
import { retry } from '../../base/retry.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import {
  SHARD_BYTES,
  verifyShard,
  type GroupHost,
  type HostFault,
  type PlaceEvent,
  type PlaceRequest,
  type Receipt,
} from '../../shard/index.ts'
import type { NodeLimits } from '../options.ts'
import type { PeerTable } from '../peers/peer-table.ts'
import type { GroupBook, Takeover } from '../placement/group-book.ts'
import { hostFault } from '../protocols/index.ts'
import { worthRetrying, type HostCalls } from './host-calls.ts'
import type { PeerLinks } from './peer-links.ts'

export interface PlaceDeps {
  readonly calls: HostCalls
  readonly links: Pick<PeerLinks, 'transfer' | 'rest' | 'resting' | 'awake'>
  readonly book: GroupBook
  readonly table: Pick<PeerTable, 'succeeded' | 'failed'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
}

/** Events a slow reader may leave waiting before the uploads wait for it. */
const MAX_WAITING_EVENTS = 64

export class Placer {
  readonly #limits: NodeLimits
  readonly #deps: PlaceDeps
  readonly #placed: { add(): void }
  readonly #faults: { add(): void }

  constructor(limits: NodeLimits, deps: PlaceDeps) {
    this.#limits = limits
    this.#deps = deps
    this.#placed = deps.metrics.counter('plexi_shards_placed_total', 'Shards that hosts signed for')
    this.#faults = deps.metrics.counter('plexi_host_faults_total', 'Transfers that failed at a host')
  }

  async *place(request: PlaceRequest, signal: AbortSignal): AsyncGenerator<PlaceEvent, void, undefined> {
    signal.throwIfAborted()
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const events = new Channel<PlaceEvent>(MAX_WAITING_EVENTS)
    const indices = request.stripe.ids.map((_, index) => index).filter((index) => !request.held.has(index))
    const work = Promise.all(indices.map((index) => this.#placeOne({ request, index, events }, both)))
    work.then(
      () => {
        events.end()
      },
      (error: unknown) => {
        events.fail(error)
      },
    )
    try {
      yield* events
      const placed = await work
      yield { type: 'done', missing: indices.filter((_, at) => placed[at] !== true) }
    } finally {
      stop.abort()
      await Promise.allSettled([work])
    }
  }

  /** Tries the slot's host, then standbys, until one has signed for the shard. False when all of them failed. */
  async #placeOne(task: PlaceTask, signal: AbortSignal): Promise<boolean> {
    const { index, events, request } = task
    const { book, links } = this.#deps
    const tried = new Set<PeerKey>()
    for (;;) {
      const slot = book.get(request.stripe.group)?.slots[index]
      if (slot === undefined) return false
      let target = slot.host
      let takeover: Takeover | undefined
      if (tried.has(target.peer)) {
        takeover = book.takeover(request.stripe.group, index, (peer) => !tried.has(peer) && !links.resting(peer))
        if (takeover === undefined) return false
        target = takeover.host
      }
      tried.add(target.peer)
      const outcome = await this.#put(task, target, signal).catch((error: unknown) => {
        takeover?.abandon()
        throw error
      })
      if (!outcome.ok) {
        takeover?.abandon()
        await events.push({ ...outcome.event, index })
        if (outcome.event.type === 'unreadable') return false
        continue
      }
      if (takeover?.commit() === true) {
        await events.push({ type: 'replaced', index, from: slot.host.peer, to: target.peer })
      }
      await events.push({ type: 'receipt', index, receipt: outcome.receipt })
      return true
    }
  }

  async #put(task: PlaceTask, host: GroupHost, signal: AbortSignal): Promise<PutOutcome> {
    const { links, table, clock, random, log } = this.#deps
    if (links.resting(host.peer)) {
      return failedAt({ peer: host.peer, why: 'offline', detail: 'it did not answer a moment ago' })
    }
    const policy = {
      attempts: this.#limits.putAttempts,
      firstDelayMs: this.#limits.retryFirstMs,
      maxDelayMs: this.#limits.retryMaxMs,
      again: worthRetrying,
    }
    try {
      const receipt = await retry(policy, { clock, random, signal }, () => this.#attempt(task, host, signal))
      table.succeeded(host.peer, { stored: SHARD_BYTES })
      this.#placed.add()
      links.awake(host.peer)
      return { ok: true, receipt }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof OwnFailure) return { ok: false, event: { type: 'unreadable', error: error.cause } }
      const fault = hostFault(host.peer, error)
      if (fault.why === 'timeout' || fault.why === 'offline') links.rest(host.peer)
      table.failed(host.peer, fault.detail)
      this.#faults.add()
      log.info('a host failed to store a shard', { peer: host.peer, why: fault.why })
      return failedAt(fault)
    }
  }

  /** The body is read only once there is a place for it and the host wants it, so waiting shards cost no memory. */
  async #attempt({ request, index }: PlaceTask, host: GroupHost, signal: AbortSignal): Promise<Receipt> {
    const { links, calls, clock } = this.#deps
    return links.transfer(host.peer, signal, async () => {
      const wait = deadline(clock, this.#limits.shardTimeoutMs, signal)
      let unreadable: OwnFailure | undefined
      const read = async (): Promise<Uint8Array> => {
        try {
          return await request.read(index)
        } catch (error) {
          unreadable = new OwnFailure(toPlexiError(error))
          throw unreadable
        }
      }
      try {
        return await calls.put(host, { stripe: request.stripe, index, read }, wait.signal)
      } catch (error) {
        if (isPlexiError(error, 'STORAGE_SHARD_CORRUPT')) await checkBody(request, index, read)
        throw unreadable ?? error
      } finally {
        wait.clear()
      }
    })
  }
}

/** That our own outbox is damaged is not the host's fault. */
class OwnFailure extends Error {
  override readonly cause: Error

  constructor(cause: Error) {
    super('the shard could not be read', { cause })
    this.cause = cause
  }
}

/** Throws `OwnFailure` where a host was right to refuse what it got. */
async function checkBody({ stripe }: PlaceRequest, index: number, read: () => Promise<Uint8Array>): Promise<void> {
  const id = stripe.ids[index]
  if (id !== undefined && verifyShard(await read(), id)) return
  throw new OwnFailure(new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: id === undefined ? '' : toHex(id) }))
}

interface PlaceTask {
  readonly request: PlaceRequest
  readonly index: number
  readonly events: Channel<PlaceEvent>
}

type PutOutcome =
  | { readonly ok: true; readonly receipt: Receipt }
  | {
      readonly ok: false
      readonly event:
        { readonly type: 'fault'; readonly fault: HostFault } | { readonly type: 'unreadable'; readonly error: Error }
    }

function failedAt(fault: HostFault): PutOutcome {
  return { ok: false, event: { type: 'fault', fault } }
}

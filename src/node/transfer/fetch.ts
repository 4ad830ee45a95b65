/**
 * Getting one shard from whoever has it: its slot's host, former hosts, standbys, then anyone who says so; a second
 * holder is asked when the first takes long (docs/spec/06-dht-records.md, finding a shard). Invariant: only bytes that
 * match the shard's id are returned, and whoever sent others is named.
 */
import { toHex } from '../../base/bytes.ts'
import { deadline, type Clock } from '../../base/clock.ts'
import type { Metrics } from '../../base/metrics.ts'
import { mapBounded } from '../../base/queue.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import {
  SHARD_BYTES,
  type FetchOutcome,
  type FetchRequest,
  type GroupHost,
  type Holder,
  type HostFault,
  type ShardId,
} from '../../shard/index.ts'
import type { NodeLimits } from '../options.ts'
import type { PeerTable } from '../peers/peer-table.ts'
import type { GroupBook } from '../placement/group-book.ts'
import { hostFault } from '../protocols/index.ts'
import type { HostCalls } from './host-calls.ts'
import type { PeerLinks } from './peer-links.ts'

export interface FetchDeps {
  readonly calls: HostCalls
  readonly links: Pick<PeerLinks, 'transfer' | 'ask' | 'rest' | 'resting' | 'awake'>
  readonly book: GroupBook
  readonly table: Pick<PeerTable, 'succeeded' | 'failed'>
  readonly clock: Clock
  readonly metrics: Metrics
  /** Members that answered lately. */
  everybody(): readonly GroupHost[]
}

/** A slot that nobody could stand in for is not searched for again at once. */
const MAX_FRUITLESS = 3
const FRUITLESS_MS = 30_000

type Attempt =
  { readonly host: GroupHost; readonly bytes: Uint8Array } | { readonly host: GroupHost; readonly fault: HostFault }

export class Fetcher {
  readonly #limits: NodeLimits
  readonly #deps: FetchDeps
  readonly #fetched: { add(): void }
  /** group/slot → searches that found nobody, and since when. */
  readonly #fruitless = new Map<string, { count: number; at: number }>()

  constructor(limits: NodeLimits, deps: FetchDeps) {
    this.#limits = limits
    this.#deps = deps
    this.#fetched = deps.metrics.counter('plexi_shards_fetched_total', 'Shards that hosts gave back intact')
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    signal.throwIfAborted()
    const id = request.stripe.ids[request.index]
    if (id === undefined) return { ok: false, faults: [] }
    const places = this.#places(request)
    const first = await this.#race({ id, hosts: places.expected, owed: places.owed }, signal)
    if (first.ok || !this.#mayWiden(request)) return first
    const known = new Set(places.expected.map((host) => host.peer))
    const others = await this.#whoHas(
      id,
      this.#deps.everybody().filter((host) => !known.has(host.peer)),
      signal,
    )
    const second = await this.#race({ id, hosts: others, owed: undefined }, signal)
    this.#widened(request, second.ok)
    return { ...second, faults: [...first.faults, ...second.faults] }
  }

  async locate(request: FetchRequest, signal: AbortSignal): Promise<Holder[]> {
    const id = request.stripe.ids[request.index]
    if (id === undefined) return []
    const { expected, owed } = this.#places(request)
    const known = new Set(expected.map((host) => host.peer))
    const others = this.#deps.everybody().filter((host) => !known.has(host.peer))
    const holders = await mapBounded([...expected, ...others], this.#limits.maxAsksAtOnce, async (host) => ({
      holder: await this.#stateAt(host, id, signal),
      owed: host.peer === owed,
    }))
    signal.throwIfAborted()
    return holders
      .filter((entry) => entry.owed || entry.holder.state === 'held' || entry.holder.state === 'released')
      .map(({ holder }) => holder)
  }

  /** Expected holders in order, and who owes the shard. */
  #places({ stripe, index }: FetchRequest): { expected: GroupHost[]; owed: PeerKey | undefined } {
    const group = this.#deps.book.get(stripe.group)
    const slot = group?.slots[index]
    if (group === undefined || slot === undefined) return { expected: [], owed: undefined }
    const ordered = [slot.host, ...slot.former, ...group.standbys]
    const unique = ordered.filter((host, at) => ordered.findIndex((other) => other.peer === host.peer) === at)
    return { expected: unique, owed: slot.host.peer }
  }

  /** Asks `hosts` in order, the next one when one fails or takes long; the first intact shard wins. */
  async #race(
    race: { id: ShardId; hosts: readonly GroupHost[]; owed: PeerKey | undefined },
    signal: AbortSignal,
  ): Promise<FetchOutcome> {
    const faults: HostFault[] = []
    const stop = new AbortController()
    const both = AbortSignal.any([signal, stop.signal])
    const running = new Map<PeerKey, Promise<Attempt>>()
    let next = 0
    try {
      for (;;) {
        const host = race.hosts[next]
        if (host !== undefined) {
          next++
          running.set(host.peer, this.#attempt(host, race.id, both))
        }
        if (running.size === 0) return { ok: false, faults: faults.filter((fault) => worthNaming(fault, race.owed)) }
        const attempt = await this.#firstOf(running, next < race.hosts.length, signal)
        if (attempt === undefined) continue
        running.delete(attempt.host.peer)
        if ('bytes' in attempt) {
          // Found elsewhere: then the slot's host owed nothing, the shard lies with a former one.
          const named = faults.filter((fault) => worthNaming(fault, fault.why === 'missing' ? undefined : race.owed))
          return { ok: true, bytes: attempt.bytes, from: attempt.host.peer, faults: named }
        }
        faults.push(attempt.fault)
      }
    } finally {
      stop.abort()
      await Promise.allSettled(running.values())
    }
  }

  /** The first attempt to end; undefined when it is time to ask one more. */
  async #firstOf(
    running: ReadonlyMap<PeerKey, Promise<Attempt>>,
    more: boolean,
    signal: AbortSignal,
  ): Promise<Attempt | undefined> {
    if (!more) return Promise.race(running.values())
    const timer = new AbortController()
    const hedge = this.#deps.clock.sleep(this.#limits.hedgeMs, AbortSignal.any([signal, timer.signal])).then(
      () => undefined,
      () => {
        signal.throwIfAborted()
        return undefined
      },
    )
    try {
      return await Promise.race([...running.values(), hedge])
    } finally {
      timer.abort()
      await hedge.catch(() => undefined)
    }
  }

  /** Never rejects: a failure is a fault. */
  async #attempt(host: GroupHost, id: ShardId, signal: AbortSignal): Promise<Attempt> {
    const { links, calls, table, clock } = this.#deps
    if (links.resting(host.peer)) {
      return { host, fault: { peer: host.peer, why: 'offline', detail: 'it did not answer a moment ago' } }
    }
    const wait = deadline(clock, this.#limits.shardTimeoutMs, signal)
    try {
      const bytes = await links.transfer(host.peer, wait.signal, () => calls.get(host, id, wait.signal))
      table.succeeded(host.peer, { fetched: SHARD_BYTES })
      this.#fetched.add()
      links.awake(host.peer)
      return { host, bytes }
    } catch (error) {
      const fault = hostFault(host.peer, error)
      if (!signal.aborted) {
        if (fault.why === 'timeout' || fault.why === 'offline') links.rest(host.peer)
        if (fault.why !== 'missing') table.failed(host.peer, fault.detail)
      }
      return { host, fault }
    } finally {
      wait.clear()
    }
  }

  async #whoHas(id: ShardId, hosts: readonly GroupHost[], signal: AbortSignal): Promise<GroupHost[]> {
    const answers = await mapBounded(hosts, this.#limits.maxAsksAtOnce, async (host) => {
      const { state } = await this.#stateAt(host, id, signal)
      return state === 'held' || state === 'released' ? host : undefined
    })
    signal.throwIfAborted()
    return answers.filter((host) => host !== undefined)
  }

  async #stateAt(host: GroupHost, id: ShardId, signal: AbortSignal): Promise<Holder> {
    const { calls, clock, links } = this.#deps
    if (links.resting(host.peer)) return { peer: host.peer, state: 'unreachable' }
    const wait = deadline(clock, this.#limits.askTimeoutMs, signal)
    try {
      const [answer] = await links.ask(host.peer, wait.signal, () => calls.has(host, [id], wait.signal))
      if (answer === undefined) return { peer: host.peer, state: 'missing' }
      return { peer: host.peer, ...answer }
    } catch {
      return { peer: host.peer, state: 'unreachable' }
    } finally {
      wait.clear()
    }
  }

  #mayWiden(request: FetchRequest): boolean {
    const entry = this.#fruitless.get(slotName(request))
    if (entry === undefined || entry.count < MAX_FRUITLESS) return true
    if (this.#deps.clock.elapsed() - entry.at < FRUITLESS_MS) return false
    this.#fruitless.delete(slotName(request))
    return true
  }

  #widened(request: FetchRequest, found: boolean): void {
    const name = slotName(request)
    if (found) this.#fruitless.delete(name)
    else
      this.#fruitless.set(name, { count: (this.#fruitless.get(name)?.count ?? 0) + 1, at: this.#deps.clock.elapsed() })
  }
}

/** That a standby or a stranger lacks the shard is no fault; only the host that owes it is named. */
function worthNaming(fault: HostFault, owed: PeerKey | undefined): boolean {
  return fault.why !== 'missing' || fault.peer === owed
}

function slotName({ stripe, index }: FetchRequest): string {
  return `${toHex(stripe.group)}/${index}`
}

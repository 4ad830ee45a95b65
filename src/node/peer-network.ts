/**
 * `ShardNetwork` on peers (docs/spec/06-dht-records.md): groups, transfers and heads behind the port that the backup
 * engine knows. Invariant: nothing above learns addresses, nothing here learns keys of shards.
 */
import { toHex } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import { mapBounded } from '../base/queue.ts'
import type { PeerKey } from '../crypto/ids.ts'
import type {
  FetchOutcome,
  FetchRequest,
  FoundHead,
  GroupHost,
  HeadBundle,
  Holder,
  HostFault,
  PlaceEvent,
  PlaceRequest,
  PlacementGroup,
  ShardId,
  ShardNetwork,
} from '../shard/index.ts'
import type { NodeLimits } from './options.ts'
import type { GroupBook } from './placement/group-book.ts'
import type { GroupFormer } from './placement/group-former.ts'
import { hostFault } from './protocols/index.ts'
import type { HostCalls } from './transfer/host-calls.ts'
import type { Fetcher } from './transfer/fetch.ts'
import type { Heads } from './transfer/heads.ts'
import type { Placer } from './transfer/place.ts'

export interface PeerNetworkDeps {
  readonly book: GroupBook
  readonly former: GroupFormer
  readonly placer: Placer
  readonly fetcher: Fetcher
  readonly heads: Heads
  readonly calls: HostCalls
  /** Makes sure that everybody who is there is known. */
  converge(signal: AbortSignal): Promise<void>
  /** Members that answered lately and may host for us, in no order. */
  members(): GroupHost[]
  /** The vault itself names this address: it may be dialled. */
  named(address: string): void
  /** Whether anybody at all is connected. */
  online(): boolean
}

/** Ids in one release order. */
const RELEASE_BATCH = 64

export class PeerNetwork implements ShardNetwork {
  readonly #limits: NodeLimits
  readonly #deps: PeerNetworkDeps

  constructor(limits: NodeLimits, deps: PeerNetworkDeps) {
    this.#limits = limits
    this.#deps = deps
  }

  currentGroup(signal: AbortSignal): Promise<PlacementGroup | undefined> {
    return this.#deps.former.current(signal)
  }

  groups(): readonly PlacementGroup[] {
    return this.#deps.book.all()
  }

  async adoptGroups(groups: readonly PlacementGroup[]): Promise<void> {
    this.#deps.book.adopt(groups)
    const hosts = groups.flatMap(({ slots, standbys }) => [
      ...slots.flatMap((slot) => [slot.host, ...slot.former]),
      ...standbys,
    ])
    for (const { addresses } of hosts) for (const address of addresses) this.#deps.named(address)
  }

  place(request: PlaceRequest, signal: AbortSignal): AsyncIterable<PlaceEvent> {
    return this.#deps.placer.place(request, signal)
  }

  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    return this.#deps.fetcher.fetch(request, signal)
  }

  locate(request: FetchRequest, signal: AbortSignal): Promise<Holder[]> {
    return this.#deps.fetcher.locate(request, signal)
  }

  async release(
    requests: readonly FetchRequest[],
    signal: AbortSignal,
  ): Promise<{ confirmed: number; faults: HostFault[] }> {
    const orders = [...this.#ordersByHost(requests).values()]
    const faults: HostFault[] = []
    let confirmed = 0
    await mapBounded(orders, this.#limits.maxAsksAtOnce, async ({ host, ids }) => {
      try {
        for (let at = 0; at < ids.length; at += RELEASE_BATCH) {
          await this.#deps.calls.release(host, ids.slice(at, at + RELEASE_BATCH), signal)
        }
        confirmed++
      } catch (error) {
        signal.throwIfAborted()
        faults.push(hostFault(host.peer, error))
      }
    })
    return { confirmed, faults }
  }

  async publishHead(bundle: HeadBundle, signal: AbortSignal): Promise<{ hosts: PeerKey[]; faults: HostFault[] }> {
    await this.#deps.converge(signal)
    const current = this.#deps.book.current()
    const ordered = [
      ...(current?.slots ?? []).map((slot) => slot.host),
      ...(current?.standbys ?? []),
      ...this.#deps.members(),
    ]
    return this.#deps.heads.publish(bundle, unique(ordered), signal)
  }

  /** Throws `NETWORK_NO_BOOTSTRAP` when no member answers at all. */
  async findHeads(signal: AbortSignal): Promise<FoundHead[]> {
    await this.#deps.converge(signal)
    if (!this.#deps.online()) throw new PlexiError('NETWORK_NO_BOOTSTRAP')
    const pointed = await this.#deps.heads.pointers(signal)
    const known = [...this.#deps.book.hosts().values()]
    return this.#deps.heads.collect(unique([...pointed, ...this.#deps.members(), ...known]), signal)
  }

  /** Who has to be told: the slot's host now and those before it. */
  #ordersByHost(requests: readonly FetchRequest[]): Map<PeerKey, { host: GroupHost; ids: ShardId[] }> {
    const orders = new Map<PeerKey, { host: GroupHost; ids: ShardId[]; seen: Set<string> }>()
    for (const { stripe, index } of requests) {
      const slot = this.#deps.book.get(stripe.group)?.slots[index]
      const id = stripe.ids[index]
      if (slot === undefined || id === undefined) continue
      for (const host of [slot.host, ...slot.former]) {
        const order = orders.get(host.peer) ?? { host, ids: [], seen: new Set<string>() }
        orders.set(host.peer, order)
        if (order.seen.has(toHex(id))) continue
        order.seen.add(toHex(id))
        order.ids.push(id)
      }
    }
    return orders
  }
}

function unique(hosts: readonly GroupHost[]): GroupHost[] {
  const first = new Map<PeerKey, GroupHost>()
  for (const host of hosts) if (!first.has(host.peer)) first.set(host.peer, host)
  return [...first.values()]
}

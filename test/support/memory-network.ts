/**
 * Hosts in memory behind the `ShardNetwork` port, with faults: for tests of the engine without peers.
 * A host that hangs costs no time: it is reported as a time-out at once.
 */
import { toHex } from '../../src/base/bytes.ts'
import { PlexiError, toPlexiError } from '../../src/base/errors.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { peerKeyOf, type PeerKey } from '../../src/crypto/ids.ts'
import {
  chooseShape,
  groupId,
  openNotice,
  SHARD_BYTES,
  verifyShard,
  type FetchOutcome,
  type FetchRequest,
  type FoundHead,
  type GroupHost,
  type HeadBundle,
  type Holder,
  type HostFault,
  type PlaceEvent,
  type PlaceRequest,
  type PlacementGroup,
  type ShardNetwork,
} from '../../src/shard/index.ts'

export type Mood = 'well' | 'missing' | 'corrupt' | 'hanging' | 'full' | 'offline'

export interface MemoryHost {
  readonly peer: PeerKey
  readonly shards: Map<string, Uint8Array>
  readonly released: Set<string>
  readonly heads: Map<PeerKey, HeadBundle>
  mood: Mood
}

/** What the hosts are: shared by every network that reaches them. */
export class MemoryHosts {
  readonly hosts: MemoryHost[]
  puts = 0

  constructor(count: number) {
    this.hosts = Array.from({ length: count }, (_, i) => ({
      peer: peerKeyOf(sha256(Buffer.from(`host ${String(i)}`))),
      shards: new Map(),
      released: new Set<string>(),
      heads: new Map(),
      mood: 'well',
    }))
  }

  /** Released ones included: hosts keep them for the floor. */
  get physicalBytes(): number {
    return this.hosts.reduce((sum, host) => sum + host.shards.size * SHARD_BYTES, 0)
  }

  find(peer: PeerKey): MemoryHost | undefined {
    return this.hosts.find((host) => host.peer === peer)
  }
}

export class MemoryNetwork implements ShardNetwork {
  readonly world: MemoryHosts
  readonly #rate: number
  #groups: PlacementGroup[] = []
  /** Called before each put; may change moods. */
  beforePut: (count: number) => void = () => undefined

  constructor(world: MemoryHosts, rate = 0.98) {
    this.world = world
    this.#rate = rate
  }

  currentGroup(): Promise<PlacementGroup | undefined> {
    const known = this.#groups[0]
    if (known !== undefined) return Promise.resolve(known)
    const shape = chooseShape(this.world.hosts.length)
    if (shape === undefined) return Promise.resolve(undefined)
    const { k, n } = shape
    const hosts: GroupHost[] = this.world.hosts.map(({ peer }) => ({ peer, addresses: ['/ip4/127.0.0.1/tcp/1'] }))
    const group = {
      id: groupId(sha256(Buffer.from('group')).subarray(0, 16)),
      version: 1,
      k,
      n,
      slots: hosts.slice(0, n).map((host) => ({ host, former: [] })),
      standbys: hosts.slice(n),
      returnRates: hosts.slice(0, n).map(() => this.#rate),
    }
    this.#groups = [group]
    return Promise.resolve(group)
  }

  groups(): readonly PlacementGroup[] {
    return this.#groups
  }

  adoptGroups(groups: readonly PlacementGroup[]): Promise<void> {
    for (const group of groups) {
      const known = this.#groups.find((one) => toHex(one.id) === toHex(group.id))
      if (known === undefined) this.#groups.push(group)
      else if (known.version < group.version) this.#groups[this.#groups.indexOf(known)] = group
    }
    return Promise.resolve()
  }

  async *place(request: PlaceRequest, signal: AbortSignal): AsyncGenerator<PlaceEvent> {
    const missing: number[] = []
    for (const [index, id] of request.stripe.ids.entries()) {
      if (request.held.has(index)) continue
      signal.throwIfAborted()
      const bytes = await request.read(index).catch((error: unknown) => toPlexiError(error))
      if (bytes instanceof PlexiError || !verifyShard(bytes, id)) {
        missing.push(index)
        const error =
          bytes instanceof PlexiError ? bytes : new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(id) })
        yield { type: 'unreadable', index, error }
        continue
      }
      const group = this.#groupOf(request.stripe.group)
      const slot = group.slots[index]?.host
      let done = false
      for (const candidate of [slot, ...group.standbys]) {
        if (candidate === undefined) continue
        this.beforePut(this.world.puts++)
        const host = this.world.find(candidate.peer)
        const fault = host === undefined ? faultOf(candidate.peer, 'offline') : putFault(host)
        if (fault !== undefined || host === undefined) {
          yield { type: 'fault', index, fault: fault ?? faultOf(candidate.peer, 'offline') }
          continue
        }
        host.shards.set(toHex(id), Uint8Array.from(bytes))
        host.released.delete(toHex(id))
        if (candidate !== slot && slot !== undefined) {
          this.#replace(group, index, candidate)
          yield { type: 'replaced', index, from: slot.peer, to: candidate.peer }
        }
        const receipt = { shardId: id, host: host.peer, number: this.world.puts, bytes: SHARD_BYTES, time: 1 }
        yield { type: 'receipt', index, receipt: { ...receipt, signed: new Uint8Array(3) } }
        done = true
        break
      }
      if (!done) missing.push(index)
    }
    yield { type: 'done', missing }
  }

  fetch({ stripe, index }: FetchRequest): Promise<FetchOutcome> {
    const id = stripe.ids[index]
    const faults: HostFault[] = []
    for (const host of this.#holders({ stripe, index })) {
      const bytes = id === undefined ? undefined : host.shards.get(toHex(id))
      const fault = getFault(host, bytes)
      if (fault !== undefined) faults.push(fault)
      else if (bytes !== undefined && id !== undefined) {
        if (verifyShard(bytes, id)) return Promise.resolve({ ok: true, bytes, from: host.peer, faults })
        faults.push(faultOf(host.peer, 'corrupt'))
      }
    }
    return Promise.resolve({ ok: false, faults })
  }

  locate({ stripe, index }: FetchRequest): Promise<Holder[]> {
    const id = stripe.ids[index]
    const holders = this.#holders({ stripe, index }).map((host): Holder => {
      if (host.mood === 'offline' || host.mood === 'hanging') return { peer: host.peer, state: 'unreachable' }
      const name = id === undefined ? '' : toHex(id)
      if (host.mood === 'missing' || !host.shards.has(name)) return { peer: host.peer, state: 'missing' }
      return { peer: host.peer, state: host.released.has(name) ? 'released' : 'held' }
    })
    return Promise.resolve(holders)
  }

  release(requests: readonly FetchRequest[]): Promise<{ confirmed: number; faults: HostFault[] }> {
    for (const { stripe, index } of requests) {
      const id = stripe.ids[index]
      for (const host of this.world.hosts)
        if (id !== undefined && host.shards.has(toHex(id))) host.released.add(toHex(id))
    }
    return Promise.resolve({ confirmed: requests.length, faults: [] })
  }

  publishHead(bundle: HeadBundle): Promise<{ hosts: PeerKey[]; faults: HostFault[] }> {
    const { device, seq } = openNotice(bundle.notice)
    const well = this.world.hosts.filter((host) => host.mood === 'well')
    for (const host of well) {
      const known = host.heads.get(device)
      if (known !== undefined && openNotice(known.notice).seq > seq) throw new Error('a lower seq')
      host.heads.set(device, bundle)
    }
    return Promise.resolve({ hosts: well.map((host) => host.peer), faults: [] })
  }

  findHeads(): Promise<FoundHead[]> {
    const reachable = this.world.hosts.filter((host) => host.mood !== 'offline' && host.mood !== 'hanging')
    return Promise.resolve(
      reachable.flatMap((host) => [...host.heads.values()].map((bundle) => ({ bundle, source: host.peer }))),
    )
  }

  #groupOf(id: Uint8Array): PlacementGroup {
    const group = this.#groups.find((one) => toHex(one.id) === toHex(id))
    if (group === undefined) throw new Error('unknown group')
    return group
  }

  #holders({ stripe, index }: FetchRequest): MemoryHost[] {
    const slot = this.#groupOf(stripe.group).slots[index]
    const peers = [slot?.host, ...(slot?.former ?? [])].map((host) => host?.peer)
    return peers.flatMap((peer) => (peer === undefined ? [] : (this.world.find(peer) ?? [])))
  }

  #replace(group: PlacementGroup, index: number, by: GroupHost): void {
    const slots = group.slots.map((slot, i) => (i === index ? { host: by, former: [slot.host, ...slot.former] } : slot))
    const standbys = group.standbys.filter((host) => host.peer !== by.peer)
    const next = { ...group, version: group.version + 1, slots, standbys }
    this.#groups = this.#groups.map((one) => (one === group ? next : one))
  }
}

function putFault(host: MemoryHost): HostFault | undefined {
  if (host.mood === 'full') return faultOf(host.peer, 'full')
  if (host.mood === 'hanging') return faultOf(host.peer, 'timeout')
  return host.mood === 'offline' ? faultOf(host.peer, 'offline') : undefined
}

function getFault(host: MemoryHost, bytes: Uint8Array | undefined): HostFault | undefined {
  if (host.mood === 'hanging') return faultOf(host.peer, 'timeout')
  if (host.mood === 'offline') return faultOf(host.peer, 'offline')
  if (host.mood === 'missing' || bytes === undefined) return faultOf(host.peer, 'missing')
  return host.mood === 'corrupt' ? faultOf(host.peer, 'corrupt') : undefined
}

function faultOf(peer: PeerKey, why: HostFault['why']): HostFault {
  return { peer, why, detail: 'in memory' }
}

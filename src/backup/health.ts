/**
 * What waits, and how safe what is stored is. Spec: docs/spec/03-stripe.md § Durability.
 * Invariant: only receipts count; a stripe adopted from a head counts with its group's slots until it is verified.
 */
import { toHex } from '../base/bytes.ts'
import type { PeerKey } from '../crypto/ids.ts'
import {
  minimumReceipts,
  placedThreshold,
  safety,
  UNMEASURED_STRANGER_RATE,
  type PlacementGroup,
} from '../shard/index.ts'
import type { StripeRow } from './catalogue/stripe-rows.ts'
import type { Parts } from './parts.ts'
import { unspread } from './remotes/places.ts'
import { REMOTE_PEER } from './remotes/remote-group.ts'
import type { StripeHosts } from './requests.ts'

export interface Waiting {
  /** Live stripes that have enough receipts. */
  readonly placed: number
  readonly queued: number
  readonly queuedBytes: number
}

export function waiting(parts: Parts): Waiting {
  const { catalogue, outbox } = parts
  const short = catalogue.stripes
    .inState('queued')
    .filter((stripe) => !isPlaced(catalogue.stripes.receipts(stripe.no).size, stripe))
  const unstriped = catalogue.shards.unstriped().filter((shard) => !shard.lost).length
  const headDue = catalogue.snapshots.count() > 0 && !headShows({ catalogue })
  return {
    placed: catalogue.stripes.counts().live - short.length,
    queued: short.length + unstriped + unspread(parts) + (headDue ? 1 : 0),
    queuedBytes: outbox.usedBytes,
  }
}

/** Whether the newest published head tells everything that is in the catalogue. */
export function headShows({ catalogue }: Pick<Parts, 'catalogue'>): boolean {
  const head = catalogue.heads.newest()
  return head?.published === true && head.revision === catalogue.revision
}

export function isPlaced(receipts: number, stripe: StripeRow): boolean {
  return receipts >= placedThreshold(stripe)
}

/** Whether every live stripe may be relied on, so that a head may name them. */
export function headMayGo({ catalogue }: Parts): boolean {
  if (catalogue.shards.unstriped().some((shard) => !shard.lost)) return false
  const queued = catalogue.stripes.inState('queued')
  return queued.every((stripe) => catalogue.stripes.receipts(stripe.no).size >= minimumReceipts(stripe))
}

/** Catalogue key: the hosts that took the newest published head, JSON. */
export const HEAD_HOSTS = 'head-hosts'

/**
 * All live stripes as they stand: made for all of them at once, so that many snapshots can be judged by it. Arrays are
 * indexed by the numbers of the catalogue, as a snapshot needs thousands of shards.
 */
export interface Overview {
  /** Distinct hosts that stripes lie on, each with the number of stripes there. */
  readonly sets: readonly StripeHosts[]
  /** Of each stripe its place in `sets`; -1 for what is not live. */
  readonly setOf: Int32Array
  /** 1 for each live stripe with enough receipts. */
  readonly placed: Uint8Array
  /** Every live stripe is one of them. */
  readonly allPlaced: boolean
  /** Stripe of each shard; 0 while it has none. */
  readonly stripeOf: Uint32Array
  readonly head: StripeHosts | undefined
}

export function overview(parts: Parts): Overview {
  return asItStands(parts, 'overview', () => makeOverview(parts, parts.network.groups()))
}

/** What `make` gives, made once until catalogue or groups change. */
export function asItStands<T>({ catalogue, network }: Parts, what: string, make: () => T): T {
  const groups = network
    .groups()
    .map(({ id, version, returnRates }) => `${toHex(id)} ${String(version)} ${returnRates.join()}`)
  return catalogue.unchanged(`${what} ${groups.join(' ')}`, make)
}

function makeOverview(parts: Parts, groups: readonly PlacementGroup[]): Overview {
  const { stripes, shards } = parts.catalogue
  const groupOf = new Map(groups.map((group) => [toHex(group.id), group]))
  const receipts = stripes.allReceipts()
  const live = stripes.live()
  const end = (live.at(-1)?.no ?? 0) + 1
  const setOf = new Int32Array(end).fill(-1)
  const placed = new Uint8Array(end)
  const sets = new Map<string, { place: number; k: number; hosts: PeerKey[]; rates: number[]; stripes: number }>()
  for (const stripe of live) {
    const signed = receipts.get(stripe.no) ?? []
    if (stripe.state === 'placed' || isPlaced(signed.length, stripe)) placed[stripe.no] = 1
    const holders = holdersOf(stripe, signed, groupOf.get(toHex(stripe.group)))
    const hosts = holders.map(({ peer }) => peer)
    const key = `${String(stripe.k)} ${hosts.join(' ')}`
    const rates = holders.map(({ rate }) => rate)
    const set = sets.get(key) ?? { place: sets.size, k: stripe.k, hosts, rates, stripes: 0 }
    set.stripes++
    sets.set(key, set)
    setOf[stripe.no] = set.place
  }
  return {
    sets: [...sets.values()].map(({ k, hosts, rates, stripes: count }) => ({ k, hosts, rates, stripes: count })),
    ...{ setOf, placed, allPlaced: live.every(({ no }) => placed[no] === 1) },
    stripeOf: shards.stripesByShard(),
    head: headHolders(parts),
  }
}

/** Live stripes grouped by the hosts they lie on, and the head with what rides in it. */
export function stripeHosts({ sets, head }: Overview): StripeHosts[] {
  return [...sets, ...(head === undefined ? [] : [head])]
}

/** What lies on the very same hosts shares their fate and counts once: a head beside stripes that are copies too. */
export function distinctSets(sets: readonly StripeHosts[]): StripeHosts[] {
  const key = ({ k, hosts }: StripeHosts): string => `${String(k)} ${hosts.toSorted().join(' ')}`
  return [...new Map(sets.map((set) => [key(set), set])).values()]
}

/** Every host of the head has all of it: any one will do. */
function headHolders({ catalogue, network }: Parts): StripeHosts | undefined {
  const bytes = catalogue.heads.meta(HEAD_HOSTS)
  if (bytes === undefined) return undefined
  const all = JSON.parse(Buffer.from(bytes).toString('utf8')) as PeerKey[]
  const hosts = all.filter((peer) => peer !== REMOTE_PEER)
  if (hosts.length === 0) return undefined
  const rates = new Map(
    network
      .groups()
      .flatMap(({ slots, returnRates }) => slots.map(({ host }, i) => [host.peer, returnRates[i]] as const)),
  )
  return {
    k: 1,
    hosts,
    rates: hosts.map((peer) => rates.get(peer) ?? UNMEASURED_STRANGER_RATE),
    stripes: 1,
    head: true,
  }
}

/** Null when nothing is stored; 0 while something lies only here. */
export function safeOf(parts: Parts): number | null {
  if (parts.catalogue.snapshots.count() === 0) return null
  if (parts.catalogue.shards.unstriped().some((shard) => !shard.lost)) return 0
  // Small backups ride in the head: without one that hosts hold they lie only here.
  if (!headShows(parts)) return 0
  const hosts = stripeHosts(overview(parts))
  return hosts.length === 0 ? 0 : safety(distinctSets(hosts))
}

interface HostRate {
  readonly peer: PeerKey
  readonly rate: number
}

function holdersOf(stripe: StripeRow, signed: readonly PeerKey[], group: PlacementGroup | undefined): HostRate[] {
  const slots = group?.slots ?? []
  const rates = new Map(slots.map((slot, i) => [slot.host.peer, group?.returnRates[i] ?? UNMEASURED_STRANGER_RATE]))
  const adopted = signed.length === 0 && stripe.state === 'placed'
  // Remotes are copies of one's own and told apart: they are no hosts.
  const peers = (adopted ? slots.slice(0, stripe.n).map((slot) => slot.host.peer) : signed).filter(
    (peer) => peer !== REMOTE_PEER,
  )
  return peers.map((peer) => ({ peer, rate: rates.get(peer) ?? UNMEASURED_STRANGER_RATE }))
}

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
import type { StripeHosts } from './requests.ts'

export interface Waiting {
  /** Live stripes that have enough receipts. */
  readonly placed: number
  readonly queued: number
  readonly queuedBytes: number
}

export function waiting({ catalogue, outbox }: Parts): Waiting {
  const live = catalogue.stripes.live()
  const short = live.filter(
    (stripe) => stripe.state === 'queued' && !isPlaced(catalogue.stripes.receipts(stripe.no).size, stripe),
  )
  const unstriped = catalogue.shards.unstriped().filter((shard) => !shard.lost).length
  const head = catalogue.heads.newest()
  const headDue = catalogue.snapshots.count() > 0 && (head?.published !== true || head.revision !== catalogue.revision)
  return {
    placed: live.length - short.length,
    queued: short.length + unstriped + (headDue ? 1 : 0),
    queuedBytes: outbox.usedBytes,
  }
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

/** Live stripes grouped by the hosts they lie on, and the head with what rides in it; `only` narrows it to some stripes. */
export function stripeHosts(parts: Parts, only?: ReadonlySet<number>): StripeHosts[] {
  const head = headHolders(parts)
  return [...stripeSets(parts, only), ...(head === undefined ? [] : [head])]
}

/** Every host of the head has all of it: any one will do. */
function headHolders({ catalogue, network }: Parts): StripeHosts | undefined {
  const bytes = catalogue.heads.meta(HEAD_HOSTS)
  if (bytes === undefined) return undefined
  const hosts = JSON.parse(Buffer.from(bytes).toString('utf8')) as PeerKey[]
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

function stripeSets(parts: Parts, only?: ReadonlySet<number>): StripeHosts[] {
  const groups = new Map(parts.network.groups().map((group) => [toHex(group.id), group]))
  const sets = new Map<string, { k: number; hosts: PeerKey[]; rates: number[]; stripes: number }>()
  for (const stripe of parts.catalogue.stripes.live()) {
    if (only !== undefined && !only.has(stripe.no)) continue
    const hosts = hostsOf(parts, stripe, groups.get(toHex(stripe.group)))
    const key = `${String(stripe.k)} ${hosts.map(({ peer }) => peer).join(' ')}`
    const set = sets.get(key)
    if (set !== undefined) set.stripes++
    else sets.set(key, { k: stripe.k, hosts: hosts.map((h) => h.peer), rates: hosts.map((h) => h.rate), stripes: 1 })
  }
  return [...sets.values()]
}

/** Null when nothing is stored; 0 while something lies only here. */
export function safeOf(parts: Parts): number | null {
  if (parts.catalogue.snapshots.count() === 0) return null
  if (parts.catalogue.shards.unstriped().some((shard) => !shard.lost)) return 0
  const head = parts.catalogue.heads.newest()
  return head === undefined ? 0 : safety(stripeHosts(parts))
}

interface HostRate {
  readonly peer: PeerKey
  readonly rate: number
}

function hostsOf({ catalogue }: Parts, stripe: StripeRow, group: PlacementGroup | undefined): HostRate[] {
  const receipts = catalogue.stripes.receipts(stripe.no)
  const slots = group?.slots ?? []
  const rates = new Map(slots.map((slot, i) => [slot.host.peer, group?.returnRates[i] ?? UNMEASURED_STRANGER_RATE]))
  const adopted = receipts.size === 0 && stripe.state === 'placed'
  const peers = adopted ? slots.slice(0, stripe.n).map((slot) => slot.host.peer) : [...receipts.values()]
  return peers.map((peer) => ({ peer, rate: rates.get(peer) ?? UNMEASURED_STRANGER_RATE }))
}

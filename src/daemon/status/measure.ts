/**
 * What can be said about a vault from its stripes' holders: pure arithmetic over what the engine and the node know.
 * Spec: docs/spec/03-stripe.md § Durability. *safe* and *restorable* are different things and never mixed.
 */
import type { StripeHosts } from '../../backup/index.ts'
import { MiB } from '../../base/bytes.ts'

export type Protection = 'none' | 'local' | 'one-copy' | 'below-target' | 'yes'

/** Share of stripes with at least k holders in `online`; null without stripes. */
export function restorableShare(stripes: readonly StripeHosts[], online: ReadonlySet<string>): number | null {
  const total = stripes.reduce((sum, set) => sum + set.stripes, 0)
  if (total === 0) return null
  const reachable = stripes.filter(({ k, hosts }) => hosts.filter((peer) => online.has(peer)).length >= k)
  return reachable.reduce((sum, set) => sum + set.stripes, 0) / total
}

/** Everybody who holds something, the one who holds most first. */
export function holders(stripes: readonly StripeHosts[]): string[] {
  const held = new Map<string, number>()
  for (const set of stripes) for (const peer of set.hosts) held.set(peer, (held.get(peer) ?? 0) + set.stripes)
  return [...held].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([peer]) => peer)
}

/** Hosts that hold something nobody else has a part of: without them it is gone. */
export function soleHolders(stripes: readonly StripeHosts[]): string[] {
  return [...new Set(stripes.flatMap(({ k, hosts }) => (k === 1 && hosts.length === 1 ? hosts : [])))]
}

/** Bytes that each host keeps: shards lie with others whole, heads are not counted. */
export function bytesByHost(stripes: readonly StripeHosts[]): Map<string, number> {
  const bytes = new Map<string, number>()
  for (const { hosts, stripes: count, head } of stripes)
    if (head !== true) for (const peer of hosts) bytes.set(peer, (bytes.get(peer) ?? 0) + count * MiB)
  return bytes
}

export function protectionOf(given: {
  readonly snapshots: number
  /** Snapshots that hosts hold completely, the newest head among it. */
  readonly placed: number
  /** Hosts have some head: what was there before the newest backup can be found. */
  readonly published: boolean
  readonly holders: number
  /** Of them, those without whom something is gone. */
  readonly alone: number
  /** A remote holds everything. It is a copy, and no host. */
  readonly onRemote: boolean
  readonly safe: number | null
  readonly target: number
}): Protection {
  if (given.snapshots === 0) return 'none'
  if (!given.published || given.holders === 0) return given.onRemote ? 'one-copy' : 'local'
  if (given.holders === 1 || given.alone > 0) return 'one-copy'
  return (given.safe ?? 0) < given.target || given.placed < given.snapshots ? 'below-target' : 'yes'
}

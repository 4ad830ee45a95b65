/**
 * How many shards for how many hosts. Spec: docs/spec/03-stripe.md § Shape. Pure.
 * Invariant: the shape never needs a host that is meant to stay spare.
 */
import type { Shape } from './erasure.ts'
import { survivalLoss } from './durability.ts'

/** The ladder, smallest n first. */
export const ladder: readonly Shape[] = [
  { k: 1, n: 1 },
  { k: 1, n: 2 },
  { k: 1, n: 3 },
  { k: 2, n: 5 },
  { k: 2, n: 7 },
  { k: 3, n: 10 },
  { k: 4, n: 14 },
  { k: 6, n: 20 },
  { k: 10, n: 30 },
]

/**
 * The largest shape of the ladder for that many eligible hosts, and how many of them are kept spare: none below 4,
 * else max(1, ⌈hosts/6⌉). Undefined for no host.
 */
export function chooseShape(eligibleHosts: number): (Shape & { readonly spares: number }) | undefined {
  const spares = eligibleHosts < 4 ? 0 : Math.max(1, Math.ceil(eligibleHosts / 6))
  const shape = ladder.findLast(({ n }) => n <= eligibleHosts - spares)
  return shape === undefined ? undefined : { ...shape, spares }
}

/**
 * Shape of a stripe of only `s` data shards, s ≤ full.k: the fewest parity shards that lose no more often than a full
 * stripe. `rates` are the return rates of the group's slots in order; the short stripe lies on the first n of them.
 */
export function shortStripe(s: number, full: Shape, rates: readonly number[]): Shape {
  if (s >= full.k) return { k: full.k, n: full.n }
  const bound = survivalLoss(full.k, rates.slice(0, full.n))
  const least = full.n > full.k ? s + 1 : s
  for (let n = least; n < full.n; n++) if (survivalLoss(s, rates.slice(0, n)) <= bound) return { k: s, n }
  return { k: s, n: full.n }
}

/** Receipts from which a stripe counts as placed, after all eligible hosts were tried. */
export function placedThreshold({ k, n }: Shape): number {
  return k + Math.ceil((2 * (n - k)) / 3)
}

/** Receipts below which a stripe may not be relied on: one more than needed, where there is more than needed. */
export function minimumReceipts({ k, n }: Shape): number {
  return Math.min(k + 1, n)
}

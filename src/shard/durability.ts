/**
 * How likely data comes back. Spec: docs/spec/03-stripe.md § Durability. Pure.
 * Invariant: small losses are summed up directly, never as 1 − (almost 1), so they stay exact.
 */

/** P(a holder returns within 7 days) until it was measured for 7 days. */
export const UNMEASURED_VOUCHED_RATE = 0.98
export const UNMEASURED_STRANGER_RATE = 0.75

/** What a set of stripes on the same hosts needs: k of the hosts with these return rates. */
export interface HostSet {
  readonly k: number
  readonly rates: readonly number[]
}

/** A = P(at least k of the holders return): the Poisson-binomial tail over their rates. */
export function survival(k: number, rates: readonly number[]): number {
  return 1 - survivalLoss(k, rates)
}

/** 1 − A = P(fewer than k of the holders return). */
export function survivalLoss(k: number, rates: readonly number[]): number {
  if (k <= 0) return 0
  // returned[i] = P(exactly i of the holders so far return), for i < k.
  const returned = new Float64Array(k)
  returned[0] = 1
  for (const rate of rates) {
    const p = Math.min(1, Math.max(0, rate))
    for (let i = k - 1; i > 0; i--) returned[i] = (returned[i] as number) * (1 - p) + (returned[i - 1] as number) * p
    returned[0] = returned[0] * (1 - p)
  }
  return Math.min(
    1,
    returned.reduce((sum, value) => sum + value, 0),
  )
}

/**
 * *safe*: the probability that everything stays recoverable, 1 − Σ(1 − A) over the distinct host sets that stripes lie
 * on (a union bound: never too optimistic). 1 for nothing stored, 0 at worst.
 */
export function safety(hostSets: Iterable<HostSet>): number {
  let loss = 0
  for (const { k, rates } of hostSets) loss += survivalLoss(k, rates)
  return Math.max(0, 1 - loss)
}

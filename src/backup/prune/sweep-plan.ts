/** What becomes of each stripe. Pure. Spec: docs/spec/04-snapshot-and-head.md § Pruning. */

export interface StripeUse {
  readonly no: number
  readonly k: number
  readonly n: number
  /** Chunks in its data shards, and those taken from there that somebody needs. */
  readonly chunks: number
  readonly live: number
  /** Plain bytes of the live ones; more than they take when compressed. */
  readonly liveBytes: number
  /** Bytes in use in its data shards; 0: not known. */
  readonly usedBytes: number
  /** It must stay as it is: an index root lies on it, it is being placed, or it cannot be read. */
  readonly fixed: boolean
}

export interface SweepPlan {
  /** Nothing in them is needed. */
  readonly drop: readonly number[]
  /** Less than half is needed: that is packed again. */
  readonly repack: readonly number[]
  /** Data shards that packing again will take, about. */
  readonly newShards: number
}

export function planSweep(stripes: readonly StripeUse[]): SweepPlan {
  const drop = stripes.filter(({ live, fixed }) => live === 0 && !fixed)
  const thin = stripes.filter((stripe) => stripe.live > 0 && !stripe.fixed && lessThanHalf(stripe))
  const shards = thin.reduce((sum, { k }) => sum + k, 0)
  const newShards = Math.ceil(thin.reduce((sum, stripe) => sum + stripe.k * shareOf(stripe), 0))
  // One thin shard packed again is one thin shard.
  const worth = newShards < shards
  return {
    drop: drop.map(({ no }) => no),
    repack: worth ? thin.map(({ no }) => no) : [],
    newShards: worth ? newShards : 0,
  }
}

function lessThanHalf(stripe: StripeUse): boolean {
  return shareOf(stripe) < 0.5
}

/** By number of chunks, or by bytes where what is live plainly takes less. */
function shareOf({ live, chunks, liveBytes, usedBytes }: StripeUse): number {
  const byCount = chunks === 0 ? 1 : live / chunks
  return usedBytes === 0 ? byCount : Math.min(byCount, liveBytes / usedBytes)
}

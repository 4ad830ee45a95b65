/**
 * Bodies that are gone from the outbox before hosts had them: a stripe that can no longer be placed is given up, so that
 * its chunks count as unknown and are stored again, and no head waits for it. Spec: docs/BACKUP_SYSTEM.md § What survives.
 */
import { placedThreshold } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'

/** Returns shards whose body nobody needs any more. To be called when nothing is being placed. */
export function giveUpLost(catalogue: Catalogue, missing: readonly ShardRow[]): ShardRow[] {
  return catalogue.commit(() => {
    catalogue.shards.leaveOutbox(missing.map(({ no }) => no))
    for (const { no, stripe } of missing) if (stripe === null) catalogue.shards.setLost(no, true)
    const hit = new Set(missing.flatMap(({ stripe }) => (stripe === null ? [] : [stripe])))
    catalogue.touch()
    return [...hit].flatMap((no) => {
      const stripe = catalogue.stripes.get(no)
      return stripe?.state === 'queued' ? giveUp(catalogue, stripe) : []
    })
  })
}

function giveUp(catalogue: Catalogue, stripe: StripeRow): ShardRow[] {
  const receipts = catalogue.stripes.receipts(stripe.no)
  const shards = catalogue.shards.ofStripe(stripe.no)
  const here = [...new Map(shards.filter(({ inOutbox }) => inOutbox).map((shard) => [shard.no, shard])).values()]
  if (receipts.size >= placedThreshold(stripe)) {
    // Enough hosts have it: what is left here can complete it no more.
    catalogue.stripes.setState(stripe.no, 'placed')
    catalogue.shards.leaveOutbox(here.map(({ no }) => no))
    return here
  }
  catalogue.stripes.setState(stripe.no, 'released')
  const needless: ShardRow[] = []
  for (const shard of shards) {
    if (shard.parity && shard.inOutbox) needless.push(shard)
    // What is still here goes into another stripe.
    else if (shard.inOutbox) catalogue.shards.leaveStripe(shard.no)
    else if (!shard.parity) catalogue.shards.setLost(shard.no, true)
  }
  catalogue.shards.leaveOutbox(needless.map(({ no }) => no))
  return needless
}

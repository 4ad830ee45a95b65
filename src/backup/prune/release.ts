/**
 * Giving shards back: stripes that this device replaced or no longer needs. Spec: docs/spec/04-snapshot-and-head.md §
 * Pruning. Invariants: a stripe is released only after a head without it is out, and while no head of another device
 * names it; whatever cannot be found out means not yet.
 */
import { toHex } from '../../base/bytes.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { FetchRequest } from '../../shard/index.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import { headShows } from '../health.ts'
import { namedStripes, readOthers, type Reading } from './other-heads.ts'

interface Releasing extends Reading {
  /** Somebody reads by a plan that may name them still. */
  readonly beingRead: boolean
}

/** Gives back what may be; the rest is tried again with the next head, drain or prune. Returns stripes left. */
export async function releaseRetired(session: Releasing, signal: AbortSignal): Promise<number> {
  const { catalogue, log } = session.parts
  const retired = catalogue.stripes.inState('retired')
  if (retired.length === 0) return 0
  // A head that is not out may still be the one that stops naming them.
  if (session.beingRead || !headShows(session.parts)) return retired.length
  const named = await namedByOthers(session, signal)
  if (named === undefined) return retired.length
  let left = 0
  for (const row of retired) {
    signal.throwIfAborted()
    if (named.has(toHex(row.id)) || !(await releaseOne(session, row, signal))) left++
  }
  log.info('replaced stripes were released', { released: retired.length - left, left })
  return left
}

/** Undefined when that cannot be known now. */
async function namedByOthers(session: Reading, signal: AbortSignal): Promise<Set<string> | undefined> {
  const { log } = session.parts
  try {
    const named = new Set<string>()
    for (const { hidden, heads } of await readOthers(session.parts, signal)) {
      if (hidden) return undefined
      for (const head of heads) {
        const stripes = await namedStripes(session, head, signal)
        if (stripes === undefined) return undefined
        for (const id of stripes) named.add(id)
      }
    }
    return named
  } catch (error) {
    signal.throwIfAborted()
    log.info('nothing is released while heads cannot be read', { error: toPlexiError(error).message })
    return undefined
  }
}

async function releaseOne(session: Reading, row: StripeRow, signal: AbortSignal): Promise<boolean> {
  const { catalogue, network } = session.parts
  const stripe = catalogue.stripes.record(row.no)
  const shards = catalogue.shards.ofStripe(row.no)
  // A shard that went into another stripe since belongs to that one.
  const own = new Set(
    shards.filter(({ id }) => catalogue.shards.find(id)?.stripe === row.no).map(({ id }) => toHex(id)),
  )
  const requests = stripe.ids.flatMap((id, index): FetchRequest[] => (own.has(toHex(id)) ? [{ stripe, index }] : []))
  const { faults } = await network.release(requests, signal)
  if (faults.length > 0) return false
  catalogue.commit(() => {
    catalogue.stripes.setState(row.no, 'released')
    for (const { no, id } of shards) if (own.has(toHex(id))) catalogue.shards.clearPrefixes(no)
  })
  return true
}

/**
 * Stripes of another device that this one relies on, at the moment its head stops naming them. It may have given them up
 * before it could know that they are needed: hosts keep such shards for the floor, so that there is time to bring them
 * home and to store them as this device's own. Spec: docs/spec/04-snapshot-and-head.md § Several devices.
 * Invariant: what cannot be brought home counts as lost, so that the next backup stores it again.
 */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import type { Readers } from './head-reader.ts'

/** What was found out; `take` records it, inside the commit that takes the head over. */
export interface Homecoming {
  take(): void
}

const AT_ONCE = 8

/** A stripe that its maker gave up, with its data shards. `here`: their bodies are in the outbox, all of them. */
interface GivenUp {
  readonly stripe: StripeRow
  readonly shards: readonly ShardRow[]
  readonly here: boolean
}

/** `unnamed`: numbers of the stripes that no other head names any more. */
export async function takeHome(session: Readers, unnamed: readonly number[], signal: AbortSignal): Promise<Homecoming> {
  const { catalogue, outbox } = session.parts
  const stripes = unnamed.flatMap((no) => catalogue.stripes.get(no) ?? [])
  const relied = stripes.filter(({ own, used, state }) => !own && used && state === 'placed')
  const kept = await mapBounded(relied, AT_ONCE, (stripe) => isKept(session, stripe, signal))
  const givenUp: GivenUp[] = []
  for (const [i, stripe] of relied.entries())
    if (kept[i] !== true) givenUp.push(await bringHome(session, stripe, signal))
  if (givenUp.length > 0) await outbox.sync()
  return { take: () => record(session, givenUp) }
}

/** Whether a host says that it keeps it: stripes are released as a whole, so the first answer tells. */
async function isKept({ parts }: Readers, { no, n }: StripeRow, signal: AbortSignal): Promise<boolean> {
  const stripe = parts.catalogue.stripes.record(no)
  for (let index = 0; index < n; index++) {
    const states = (await parts.network.locate({ stripe, index }, signal)).map(({ state }) => state)
    if (states.includes('held')) return true
    if (states.includes('released')) return false
  }
  return false
}

/** As a whole or not at all. */
async function bringHome({ parts, reader }: Readers, stripe: StripeRow, signal: AbortSignal): Promise<GivenUp> {
  const { catalogue, outbox, log } = parts
  const data = catalogue.shards.ofStripe(stripe.no).slice(0, stripe.k)
  const put: ShardRow[] = []
  try {
    for (const shard of data) {
      if (shard.inOutbox) continue
      if (outbox.full) throw new PlexiError('STORAGE_OUTBOX_FULL')
      await outbox.put(shard.id, await reader.bytes(shard, signal))
      put.push(shard)
    }
    return { stripe, shards: data, here: true }
  } catch (error) {
    await outbox.remove(put.map(({ id }) => id))
    signal.throwIfAborted()
    log.warn('what another device gave up cannot be had', { stripe: toHex(stripe.id), error: String(error) })
    return { stripe, shards: data, here: false }
  }
}

/** What is here waits for a stripe of this device's own. The rest is named on: its maker may only wait for that to end. */
function record({ parts: { catalogue } }: Readers, givenUp: readonly GivenUp[]): void {
  for (const { stripe, shards, here } of givenUp) {
    if (here) catalogue.stripes.setState(stripe.no, 'released')
    for (const { no } of shards) {
      if (here) catalogue.shards.leaveStripe(no)
      if (here) catalogue.shards.enterOutbox(no)
      else catalogue.shards.setLost(no, true)
    }
  }
  if (givenUp.length > 0) catalogue.touch()
}

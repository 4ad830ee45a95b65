/**
 * What was stored on remotes alone, while the vault knew no hosts, goes to hosts once there are some. Data shards never
 * change: they only get into other stripes. Invariant: a shard leaves its old stripe when its body is durable in the
 * outbox; the remote keeps its copy.
 */
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { Session } from '../session.ts'
import { REMOTE_GROUP } from './remote-group.ts'
import { unspread } from './places.ts'

const BATCH = 16

/** As many as the outbox has room for. What cannot be read now, because its drive is away, waits. */
export async function spreadToHosts(session: Session, signal: AbortSignal): Promise<void> {
  const { parts } = session
  if (unspread(parts) === 0) return
  let batch: { stripe: StripeRow; shard: ShardRow }[] = []
  for (const stripe of parts.catalogue.stripes.inGroup(REMOTE_GROUP)) {
    signal.throwIfAborted()
    const shard = parts.catalogue.shards.ofStripe(stripe.no)[0]
    if (shard === undefined || shard.lost || !(await bringBack(session, shard, signal))) continue
    batch.push({ stripe, shard })
    if (batch.length === BATCH) await leave(session, batch)
    if (batch.length === BATCH) batch = []
    if (parts.outbox.full) break
  }
  await leave(session, batch)
}

/** False where it cannot be had now. */
async function bringBack({ parts, reader }: Session, shard: ShardRow, signal: AbortSignal): Promise<boolean> {
  if (shard.inOutbox) return true
  if (parts.outbox.full) return false
  try {
    await parts.outbox.put(shard.id, await reader.bytes(shard, signal))
    return true
  } catch (error) {
    signal.throwIfAborted()
    parts.log.info('a shard of a remote waits for its drive', { error: String(error) })
    return false
  }
}

async function leave({ parts }: Session, batch: readonly { stripe: StripeRow; shard: ShardRow }[]): Promise<void> {
  if (batch.length === 0) return
  const { catalogue, outbox } = parts
  await outbox.sync()
  catalogue.commit(() => {
    for (const { stripe, shard } of batch) {
      catalogue.stripes.setState(stripe.no, 'released')
      catalogue.shards.leaveStripe(shard.no)
      catalogue.shards.enterOutbox(shard.no)
    }
    catalogue.touch()
  })
}

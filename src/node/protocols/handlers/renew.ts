/** renew: one message for all of a vault's live shards here, if both sides agree on which they are. Spec: docs/spec/05-storage-protocol.md § renew */
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'
import { openRenewOrder } from './orders.ts'

export async function handleRenew(
  request: ShardRequest<'renew'>,
  exchange: Exchange,
  context: HostContext,
): Promise<void> {
  const { vault } = await authorise(exchange, { ...request, grant: 'store' }, context)
  const order = openRenewOrder(request.order, { vault, device: exchange.from.peer, host: context.identity.peer })
  const { matched, count, root, until } = await context.store.renewals.renew(vault, order)
  await exchange.answer('renew', { ok: true, matched, count, root, until: until ?? null })
}

/**
 * release: takes effect the vault's floor after the request, and stays undoable until then. The signed order is kept as
 * the reason for the deletion. Spec: docs/spec/05-storage-protocol.md § release
 */
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'
import { openReleaseOrder } from './orders.ts'

export async function handleRelease(
  request: ShardRequest<'release'>,
  exchange: Exchange,
  context: HostContext,
): Promise<void> {
  const { store } = context
  const { vault } = await authorise(exchange, { ...request, grant: 'release' }, context)
  const order = openReleaseOrder(request, { vault, device: exchange.from.peer, host: context.identity.peer })
  const floorDays = await store.terms.floorDays(vault)
  const outcome = await store.releases.release(vault, order.shardIds, { order: request.order, floorDays })
  await exchange.answer('release', { ok: true, effectiveAt: outcome.map((at) => at ?? null) })
}

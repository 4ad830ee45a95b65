/** restore-released: undoes releases that have not taken effect. Keeping is storing, so that grant is enough. Spec: docs/spec/05-storage-protocol.md § restore-released */
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'
import { openReleaseOrder } from './orders.ts'

export async function handleRestoreReleased(
  request: ShardRequest<'restore-released'>,
  exchange: Exchange,
  context: HostContext,
): Promise<void> {
  const { vault } = await authorise(exchange, { ...request, grant: 'store' }, context)
  const order = openReleaseOrder(request, { vault, device: exchange.from.peer, host: context.identity.peer })
  const kept = await context.store.releases.restore(vault, order.shardIds)
  await exchange.answer('restore-released', { ok: true, kept })
}

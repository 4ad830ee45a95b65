/** get: a shard's bytes to a device of its vault that may fetch. The reader checks them. Spec: docs/spec/05-storage-protocol.md § get */
import { SHARD_BYTES } from '../../../shard/index.ts'
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'

export async function handleGet(request: ShardRequest<'get'>, exchange: Exchange, context: HostContext): Promise<void> {
  const { vault } = await authorise(exchange, { ...request, grant: 'fetch' }, context)
  await exchange.holding(SHARD_BYTES, async () => {
    const bytes = await context.store.shards.read({ vault, id: request.shardId })
    await exchange.answer('get', { ok: true, bytes: SHARD_BYTES })
    await exchange.body(bytes)
  })
}

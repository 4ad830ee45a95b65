/** has: which of the vault's shards are here, and until when. Nobody learns of another vault's. Spec: docs/spec/05-storage-protocol.md § has */
import type { VaultId } from '../../../crypto/ids.ts'
import type { ShardId } from '../../../shard/index.ts'
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer, ShardRequest } from '../messages.ts'
import type { HostContext } from './host-context.ts'

export async function handleHas(request: ShardRequest<'has'>, exchange: Exchange, context: HostContext): Promise<void> {
  const { vault } = await authorise(exchange, request, context)
  const shards = []
  for (const id of request.shardIds) shards.push(await presence(vault, id, context))
  await exchange.answer('has', { ok: true, shards })
}

async function presence(vault: VaultId, id: ShardId, { store }: HostContext): Promise<Answer<'has'>['shards'][number]> {
  const found = await store.shards.lookup({ vault, id })
  if (found === undefined) return { state: 'missing', leaseUntil: null, effectiveAt: null }
  const leaseUntil = await store.leaseUntil(vault, { id, number: found.number, time: found.time })
  if (found.release === undefined) return { state: 'held', leaseUntil, effectiveAt: null }
  return { state: 'released', leaseUntil, effectiveAt: found.release.effectiveAt }
}

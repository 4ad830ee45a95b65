/**
 * put: certificate, terms, trust, manifest and room are settled on the request alone; then the body comes, is hashed
 * while it arrives, made durable, and receipted. Repeating a put costs the host a read and gets the receipt again.
 * Spec: docs/spec/05-storage-protocol.md § put
 */
import { equal } from '../../../base/bytes.ts'
import { PlexiError } from '../../../base/errors.ts'
import { type PeerKey, publicKeyOfPeer, type VaultId } from '../../../crypto/ids.ts'
import { openEnvelope } from '../../../crypto/signature.ts'
import { openManifest, SHARD_BYTES, ShardHasher, type ShardId } from '../../../shard/index.ts'
import { admit, authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import type { ShardRequest } from '../messages.ts'
import { MAX_REQUEST_BYTES } from '../options.ts'
import { signReceipt } from '../receipt.ts'
import type { HostContext } from './host-context.ts'

export async function handlePut(request: ShardRequest<'put'>, exchange: Exchange, context: HostContext): Promise<void> {
  const { store, admission } = context
  const caller = await authorise(exchange, { ...request, grant: 'store' }, context)
  const { vouched } = await admit(exchange, { vault: caller.vault, stamp: request.stamp }, admission)
  checkManifest(request, exchange.from.peer)
  const at = { vault: caller.vault, id: request.shardId }
  const held = await exchange.holding(SHARD_BYTES, () => store.shards.lookupIntact(at))
  if (held !== undefined) {
    await store.shards.keep(at, request.manifest)
    await exchange.answer('put', { ok: true, go: false, receipt: receipt(context, at, held) })
    return
  }
  const reservation = await store.reserve(caller.vault, vouched, SHARD_BYTES)
  try {
    if (caller.newTerms !== undefined) await store.terms.keep(caller.vault, caller.newTerms)
    await exchange.holding(SHARD_BYTES, async () => {
      await exchange.answer('put', { ok: true, go: true })
      const body = await readShard(exchange, request.shardId)
      const stored = await store.shards.store({ ...at, body, manifest: request.manifest, vouched }, reservation)
      await exchange.answer('stored', { ok: true, receipt: receipt(context, at, stored) })
    })
  } finally {
    reservation.release()
  }
}

/** The stripe must be signed by the device that asks, and name this shard at this index. */
function checkManifest(request: ShardRequest<'put'>, device: PeerKey): void {
  const payload = openEnvelope(request.manifest, {
    what: 'stripe manifest',
    maxBytes: MAX_REQUEST_BYTES,
    publicKey: publicKeyOfPeer(device),
    domain: 'manifest',
  })
  const id = openManifest(payload).ids[request.index]
  if (id === undefined || !equal(id, request.shardId)) {
    throw new PlexiError('VALIDATION_DECODE', { what: 'put request', reason: 'the manifest names another shard' })
  }
}

/** Hashes leaf by leaf as bytes arrive: the root is known with the last byte. Throws `STORAGE_SHARD_CORRUPT`. */
async function readShard(exchange: Exchange, id: ShardId): Promise<Uint8Array> {
  const body = new Uint8Array(SHARD_BYTES)
  const hasher = new ShardHasher()
  let hashed = 0
  await exchange.reader.fill(body, exchange.signal, (filled) => {
    hasher.update(body.subarray(hashed, filled))
    hashed = filled
  })
  if (!equal(hasher.root(), id))
    throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: Buffer.from(id).toString('hex') })
  return body
}

function receipt(
  context: HostContext,
  { vault, id }: { vault: VaultId; id: ShardId },
  stored: { number: number; time: number },
): Uint8Array {
  const { sign, peer: host } = context.identity
  const { number, time } = stored
  return signReceipt(sign, { shardId: id, vault, host, number, bytes: SHARD_BYTES, time })
}

/** Receipts: a host's signed word that a shard is durable. Nothing counts as placed without one. Spec: docs/spec/05-storage-protocol.md § Receipt */
import { equal } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { decodeAs, encode } from '../../crypto/codec.ts'
import { type PeerKey, publicKeyOfPeer, type VaultId } from '../../crypto/ids.ts'
import { openEnvelope, signEnvelope, type SigningKey } from '../../crypto/signature.ts'
import type { Receipt, ShardId } from '../../shard/index.ts'
import { receiptPayload } from './messages.ts'
import { MAX_REQUEST_BYTES, MESSAGE_VERSION } from './options.ts'

export interface ReceiptContent {
  readonly shardId: ShardId
  readonly vault: VaultId
  readonly host: PeerKey
  readonly number: number
  readonly bytes: number
  readonly time: number
}

export function signReceipt(key: SigningKey, content: ReceiptContent): Uint8Array {
  const { shardId, vault, host, number, bytes, time } = content
  return signEnvelope(key, 'receipt', encode({ v: MESSAGE_VERSION, shardId, vault, host, number, bytes, time }))
}

/** Checks the host's signature and that it is about this shard of this vault. Throws `SECURITY_SIGNATURE`, `VALIDATION_DECODE`, `NETWORK_PROTOCOL`. */
export function openReceipt(
  signed: Uint8Array,
  expect: { readonly host: PeerKey; readonly vault: VaultId; readonly shardId: ShardId },
): Receipt {
  const limits = { what: 'receipt', maxBytes: MAX_REQUEST_BYTES }
  const publicKey = publicKeyOfPeer(expect.host)
  const payload = openEnvelope(signed, { ...limits, publicKey, domain: 'receipt' })
  const { host, vault, shardId, number, bytes, time } = decodeAs(receiptPayload, payload, limits)
  if (host !== expect.host || !equal(vault, expect.vault) || !equal(shardId, expect.shardId)) {
    throw new PlexiError('NETWORK_PROTOCOL', { peer: expect.host, reason: 'a receipt for something else' })
  }
  return { shardId, host, number, bytes, time, signed }
}

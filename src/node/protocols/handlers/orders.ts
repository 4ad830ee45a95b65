/** Signed orders: what a device asks for in writing, so that a host can show why it did it. Spec: docs/spec/05-storage-protocol.md § Orders */
import { equal } from '../../../base/bytes.ts'
import { PlexiError } from '../../../base/errors.ts'
import { decodeAs } from '../../../crypto/codec.ts'
import { type PeerKey, publicKeyOfPeer, type VaultId } from '../../../crypto/ids.ts'
import { openEnvelope } from '../../../crypto/signature.ts'
import { type ReleaseOrder, releaseOrder, type RenewOrder, renewOrder } from '../messages.ts'
import { MAX_REQUEST_BYTES } from '../options.ts'

interface Parties {
  readonly vault: VaultId
  readonly device: PeerKey
  readonly host: PeerKey
}

/** Throws `SECURITY_SIGNATURE`, or `VALIDATION_DECODE` for an order of another kind, vault or host. */
export function openReleaseOrder(
  request: { readonly verb: ReleaseOrder['verb']; readonly order: Uint8Array },
  parties: Parties,
): ReleaseOrder {
  const limits = { what: 'release order', maxBytes: MAX_REQUEST_BYTES }
  const publicKey = publicKeyOfPeer(parties.device)
  const order = decodeAs(releaseOrder, openEnvelope(request.order, { ...limits, publicKey, domain: 'release' }), limits)
  if (order.verb !== request.verb) throw mismatch(limits.what)
  checkParties(order, parties, limits.what)
  return order
}

/** Likewise for renewals. */
export function openRenewOrder(signed: Uint8Array, parties: Parties): RenewOrder {
  const limits = { what: 'renewal', maxBytes: MAX_REQUEST_BYTES }
  const publicKey = publicKeyOfPeer(parties.device)
  const order = decodeAs(renewOrder, openEnvelope(signed, { ...limits, publicKey, domain: 'renew' }), limits)
  checkParties(order, parties, limits.what)
  return order
}

function checkParties(order: { vault: VaultId; host: PeerKey }, parties: Parties, what: string): void {
  if (order.host !== parties.host || !equal(order.vault, parties.vault)) throw mismatch(what)
}

function mismatch(what: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what, reason: 'it is about something else' })
}

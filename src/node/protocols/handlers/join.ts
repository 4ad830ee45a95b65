/** join: someone takes up an invite; redeemed, both sides vouch for each other. Spec: docs/spec/05-storage-protocol.md § join */
import type { Clock } from '../../../base/clock.ts'
import type { PeerKey, VaultId } from '../../../crypto/ids.ts'
import type { HostStore } from '../../host/index.ts'
import { authorise } from '../admission.ts'
import type { Exchange } from '../exchange.ts'
import { type Answer, decodeRequest, joinRequest } from '../messages.ts'

export interface Guest {
  readonly peer: PeerKey
  readonly vault: VaultId
  readonly certificate: Uint8Array
  readonly name: string
  /** Multiaddrs the guest says it listens on; hints. */
  readonly addresses: readonly string[]
  /** Where it is seen. */
  readonly observed: string
}

/** The book of invites, kept with the peers. */
export interface InviteBook {
  /** Uses the token up and vouches for the guest, both durably. Throws `SECURITY_INVITE`. */
  redeem(token: Uint8Array, guest: Guest, signal: AbortSignal): Promise<Welcome>
}

/** What the inviter tells of itself: its certificate, a name for people, multiaddrs. */
export type Welcome = Omit<Answer<'join'>, 'ok'>

export async function handleJoin(
  payload: Uint8Array,
  exchange: Exchange,
  context: { readonly invites: InviteBook; readonly clock: Clock; readonly store: Pick<HostStore, 'terms' | 'vault'> },
): Promise<void> {
  const { token, certificate, name, addresses } = decodeRequest(joinRequest, payload, 'join request')
  const { peer, address: observed } = exchange.from
  // A device that its vault revoked is nobody's guest, whatever code it found.
  const { vault } = await authorise(exchange, { certificate, terms: false }, context)
  const guest = { peer, vault, certificate, name, addresses, observed }
  const welcome = await context.invites.redeem(token, guest, exchange.signal)
  await exchange.answer('join', { ok: true, ...welcome })
}

/** offer: what this host lends, signed, and what is left of it for the one who asks. Spec: docs/spec/05-storage-protocol.md § offer */
import { DAY, type Clock } from '../../../base/clock.ts'
import { openCertificate } from '../../../crypto/certificate.ts'
import { encode } from '../../../crypto/codec.ts'
import { signEnvelope } from '../../../crypto/signature.ts'
import { SHARD_BYTES } from '../../../shard/index.ts'
import type { HostStore } from '../../host/index.ts'
import type { Exchange } from '../exchange.ts'
import { decodeRequest, type Offer, offerRequest } from '../messages.ts'
import { MESSAGE_VERSION } from '../options.ts'
import { type Admission, authorise, type Standing } from '../admission.ts'
import type { HostIdentity } from './host-context.ts'

/** What is the same for everybody who asks. */
export interface HostingTerms {
  readonly leaseDays: number
  readonly strangerBytes: number
  readonly version: string
  readonly minimumVersion: string
  /** This host's own proof of work for this epoch. */
  stamp(): Uint8Array | null
  draining(): boolean
}

export interface OfferContext {
  readonly store: HostStore
  readonly admission: Admission
  readonly identity: HostIdentity
  readonly hosting: HostingTerms
  readonly clock: Clock
}

export async function handleOffer(payload: Uint8Array, exchange: Exchange, context: OfferContext): Promise<void> {
  const request = decodeRequest(offerRequest, payload, 'offer request')
  const { identity, hosting, store, clock } = context
  const { standing, free } = await forCaller(request.certificate, exchange, context)
  const offer: Offer = {
    v: MESSAGE_VERSION,
    peer: identity.peer,
    vault: openCertificate(identity.certificate()).vault,
    certificate: identity.certificate(),
    time: clock.now(),
    capacity: store.usage().offerBytes,
    free,
    state: stateOf(context, free),
    leaseDays: hosting.leaseDays,
    strangerBytes: hosting.strangerBytes,
    vouched: standing === 'vouched',
    stamp: hosting.stamp(),
    version: hosting.version,
    minimumVersion: hosting.minimumVersion,
  }
  await exchange.answer('offer', { ok: true, offer: signEnvelope(identity.sign, 'offer', encode(offer)) })
}

/** Someone without a certificate is told what a stranger could have. */
async function forCaller(
  certificate: Uint8Array | null,
  exchange: Exchange,
  context: OfferContext,
): Promise<{ standing: Standing; free: number }> {
  const { store, admission, identity } = context
  const own = openCertificate(identity.certificate()).vault
  const vault = certificate === null ? own : (await authorise(exchange, { certificate, terms: false }, context)).vault
  if (certificate === null) return { standing: 'stranger', free: (await store.room(vault, false)).freeBytes }
  const standing = await admission.standing({ ...exchange.from, vault, stamp: null })
  if (standing === 'blocked') return { standing, free: 0 }
  return { standing, free: (await store.room(vault, standing === 'vouched')).freeBytes }
}

function stateOf({ hosting, store }: OfferContext, free: number): Offer['state'] {
  if (hosting.draining()) return 'draining'
  if (!store.usage().accepting) return 'paused'
  return free < SHARD_BYTES ? 'full' : 'open'
}

export const leaseDaysOf = (leaseMs: number): number => Math.floor(leaseMs / DAY)

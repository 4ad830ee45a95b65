/** Asking a host what it offers. Spec: docs/spec/05-storage-protocol.md § offer */
import { equal } from '../../base/bytes.ts'
import { checkCertificate, openCertificate } from '../../crypto/certificate.ts'
import { decodeAs } from '../../crypto/codec.ts'
import { publicKeyOfPeer } from '../../crypto/ids.ts'
import { openEnvelope } from '../../crypto/signature.ts'
import { type Call, converse } from './call.ts'
import { type Offer, offerPayload } from './messages.ts'
import { MAX_REQUEST_BYTES } from './options.ts'

export type { Offer } from './messages.ts'

/** The host's offer, its signature and certificate checked; with a certificate, what is free for that vault. */
export function getOffer(call: Call, certificate?: Uint8Array): Promise<Offer> {
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.send({ verb: 'get', certificate: certificate ?? null })
    const { offer: signed } = await conversation.answer('offer')
    const offer = await conversation.verify(() => openOffer(call, signed))
    const hosts = openCertificate(offer.certificate)
    checkCertificate(hosts, { peer: call.host, now: call.clock.now(), revoked: new Set() })
    if (offer.peer !== call.host || !equal(offer.vault, hosts.vault)) throw conversation.broken("another host's offer")
    return offer
  })
}

/** The payload, if the host signed it. */
function openOffer(call: Call, signed: Uint8Array): Offer {
  const limits = { what: 'offer', maxBytes: MAX_REQUEST_BYTES }
  const publicKey = publicKeyOfPeer(call.host)
  return decodeAs(offerPayload, openEnvelope(signed, { ...limits, publicKey, domain: 'offer' }), limits)
}

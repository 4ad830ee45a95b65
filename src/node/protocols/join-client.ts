/** Taking up an invite. Spec: docs/spec/05-storage-protocol.md § join */
import { checkCertificate, openCertificate } from '../../crypto/certificate.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { type Call, converse } from './call.ts'
import type { Welcome } from './handlers/join.ts'

export interface Joining {
  readonly token: Uint8Array
  readonly certificate: Uint8Array
  /** For people; at most 64 bytes. */
  readonly name: string
  /** Own multiaddrs, at most 8. */
  readonly addresses: readonly string[]
}

/** Presents the token; resolves to the inviter, whose certificate was checked for its connection. Throws `SECURITY_INVITE`. */
export function joinCircle(call: Call, joining: Joining): Promise<Welcome & { readonly vault: VaultId }> {
  const { token, certificate, name, addresses } = joining
  return converse(call, 'answerMs', async (conversation) => {
    await conversation.send({ verb: 'join', token, certificate, name, addresses })
    const welcome = await conversation.answer('join')
    const inviter = openCertificate(welcome.certificate)
    checkCertificate(inviter, { peer: call.host, now: call.clock.now(), revoked: new Set() })
    return { certificate: welcome.certificate, name: welcome.name, addresses: welcome.addresses, vault: inviter.vault }
  })
}

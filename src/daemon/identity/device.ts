/** This device as the rooms below know it: the node gets what it needs to speak for the vault, the engine what it seals with. */
import { openAuthority } from '../../crypto/authority.ts'
import { openCertificate, type Certificate } from '../../crypto/certificate.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { signingKey } from '../../crypto/signature.ts'
import { openTerms } from '../../crypto/terms.ts'
import type { EngineKeys } from '../../backup/index.ts'
import type { NodeIdentity } from '../../node/index.ts'

export interface Device {
  readonly keys: DeviceKeys
  readonly certificate: Certificate
  readonly node: NodeIdentity
  readonly engine: EngineKeys
}

/** Throws `AUTH_CERTIFICATE`, `SECURITY_*` where the keystore holds what its vault did not sign. */
export function deviceOf(keys: DeviceKeys): Device {
  const certificate = openCertificate(keys.certificate)
  openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
  openTerms(keys.terms, keys.vault)
  const sign = signingKey(keys.peerSeed)
  const { vault, shared, epochs, authority, terms } = keys
  return {
    keys,
    certificate,
    node: {
      peerSeed: keys.peerSeed,
      certificate: keys.certificate,
      sign,
      vault,
      rendezvous: shared.rendezvous,
      terms: () => terms,
    },
    engine: {
      ...{ vault, device: certificate.peer, serial: certificate.serial, grants: certificate.grants },
      ...{ sign, shared, epochs, authority, terms },
    },
  }
}

/**
 * This device as the rooms below know it: the node gets what it needs to speak for the vault, the engine what it seals
 * with. Both look at the keys anew each time: the vault may make a new epoch or revoke a device while the daemon runs.
 */
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
  /** Newer authority, terms and epoch keys of the same device. */
  replace(keys: DeviceKeys): void
}

/** Throws `AUTH_CERTIFICATE`, `SECURITY_*` where the keystore holds what its vault did not sign. */
export function deviceOf(keys: DeviceKeys): Device {
  const certificate = openCertificate(keys.certificate)
  openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
  openTerms(keys.terms, keys.vault)
  const sign = signingKey(keys.peerSeed)
  const { vault, shared } = keys
  const { peer, serial, grants } = certificate
  let current = keys
  return {
    get keys() {
      return current
    },
    certificate,
    node: {
      peerSeed: keys.peerSeed,
      certificate: keys.certificate,
      sign,
      vault,
      rendezvous: shared.rendezvous,
      terms: () => current.terms,
    },
    engine: {
      ...{ vault, device: peer, serial, grants, sign, shared },
      get epochs() {
        return current.epochs
      },
      get authority() {
        return current.authority
      },
      get terms() {
        return current.terms
      },
    },
    replace: (next) => {
      current = next
    },
  }
}

/** A device's own keys, and its certificate by the vault. Spec: docs/spec/01-keys.md § Certificate */
import { wipe } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { AuthorityVersion } from '../../crypto/authority.ts'
import { allGrants, issueCertificate, newSerial } from '../../crypto/certificate.ts'
import { exchangePublicKey } from '../../crypto/hybrid.ts'
import { peerKeyOf, type PeerKey } from '../../crypto/ids.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { CERTIFICATE_LIFE_MS, MAX_NAME_BYTES } from '../../crypto/options.ts'
import { signingKey } from '../../crypto/signature.ts'
import type { VaultSecrets } from '../../crypto/vault-keys.ts'

export interface NewDeviceKeys {
  readonly name: string
  readonly peer: PeerKey
  readonly peerSeed: Uint8Array
  readonly dhSecret: Uint8Array
  readonly serial: number
  readonly certificate: Uint8Array
}

/** Fresh keys with every grant, certified by the vault. */
export function newDevice(
  secrets: VaultSecrets,
  name: string,
  deps: { readonly clock: Pick<Clock, 'now'>; readonly random: Random },
): NewDeviceKeys {
  const peerSeed = deps.random.bytes(32)
  const dhSecret = deps.random.bytes(32)
  const peer = peerKeyOf(signingKey(peerSeed).publicKey)
  const serial = newSerial(deps.random)
  const certificate = issueCertificate(secrets.sign, {
    peer,
    dh: exchangePublicKey(dhSecret),
    grants: allGrants,
    serial,
    notAfter: deps.clock.now() + CERTIFICATE_LIFE_MS,
  })
  return { name: deviceName(name), peer, peerSeed, dhSecret, serial, certificate }
}

/** What the keystore keeps of a device that `version` lists. */
export function deviceKeys(
  secrets: VaultSecrets,
  device: NewDeviceKeys,
  signed: { version: AuthorityVersion; terms: Uint8Array },
): DeviceKeys {
  const { name, peerSeed, dhSecret, certificate } = device
  return {
    ...{ name, peerSeed, dhSecret, certificate },
    vault: secrets.vault,
    shared: secrets.shared,
    epochs: signed.version.epochs,
    authority: signed.version.bytes,
    terms: signed.terms,
    kemPublic: secrets.kemPublic,
  }
}

export function wipeDevice(device: NewDeviceKeys): void {
  wipe(device.peerSeed, device.dhSecret)
}

/** Trimmed and without control characters; throws `VALIDATION_LIMIT` over 64 bytes. */
function deviceName(text: string): string {
  const name = text
    .normalize('NFC')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new PlexiError('VALIDATION_LIMIT', { what: 'the device name', limit: `${MAX_NAME_BYTES} bytes` })
  }
  return name === '' ? 'device' : name
}

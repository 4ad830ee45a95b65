/** A device's own keys, and its certificate by the vault. Spec: docs/spec/01-keys.md § Certificate */
import { wipe } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import type { AuthorityVersion } from '../../crypto/authority.ts'
import { allGrants, issueCertificate, newSerial, type Grant } from '../../crypto/certificate.ts'
import { exchangePublicKey } from '../../crypto/hybrid.ts'
import { peerKeyOf, type PeerKey } from '../../crypto/ids.ts'
import type { DeviceKeys } from '../../crypto/keystore-format.ts'
import { CERTIFICATE_LIFE_MS, MAX_NAME_BYTES } from '../../crypto/options.ts'
import { signingKey } from '../../crypto/signature.ts'
import type { VaultSecrets } from '../../crypto/vault-keys.ts'

/** Keys that nobody has certified yet. */
export interface FreshKeys {
  readonly name: string
  readonly peer: PeerKey
  readonly peerSeed: Uint8Array
  readonly dhSecret: Uint8Array
}

export interface NewDeviceKeys extends FreshKeys {
  readonly serial: number
  readonly certificate: Uint8Array
}

interface DeviceDeps {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Throws `VALIDATION_LIMIT` for a name over 64 bytes. */
export function freshKeys(name: string, { random }: Pick<DeviceDeps, 'random'>): FreshKeys {
  const peerSeed = random.bytes(32)
  const dhSecret = random.bytes(32)
  return { name: deviceName(name), peer: peerKeyOf(signingKey(peerSeed).publicKey), peerSeed, dhSecret }
}

/** What the vault says of a device with these public keys. */
export function certified(
  secrets: Pick<VaultSecrets, 'sign'>,
  device: { readonly peer: PeerKey; readonly dh: Uint8Array; readonly grants: readonly Grant[] },
  { clock, random }: DeviceDeps,
): { serial: number; certificate: Uint8Array } {
  const serial = newSerial(random)
  const notAfter = clock.now() + CERTIFICATE_LIFE_MS
  return { serial, certificate: issueCertificate(secrets.sign, { ...device, serial, notAfter }) }
}

/** Fresh keys with every grant, certified by the vault. */
export function newDevice(secrets: VaultSecrets, name: string, deps: DeviceDeps): NewDeviceKeys {
  const keys = freshKeys(name, deps)
  const { peer, dhSecret } = keys
  return { ...keys, ...certified(secrets, { peer, dh: exchangePublicKey(dhSecret), grants: allGrants }, deps) }
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

export function wipeDevice(device: FreshKeys): void {
  wipe(device.peerSeed, device.dhSecret)
}

/** Trimmed and without control characters; throws `VALIDATION_LIMIT` over 64 bytes. */
export function deviceName(text: string): string {
  const name = text
    .normalize('NFC')
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new PlexiError('VALIDATION_LIMIT', { what: 'the device name', limit: `${MAX_NAME_BYTES} bytes` })
  }
  return name === '' ? 'device' : name
}

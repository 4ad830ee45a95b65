/** A vault with devices, as other tests of this room need it. Keys are fixed, so the vault is always the same one. */
import {
  issueCertificate,
  newSerial,
  openCertificate,
  type Certificate,
  type Grant,
} from '../../src/crypto/certificate.ts'
import { exchangePublicKey } from '../../src/crypto/hybrid.ts'
import { peerKeyOf } from '../../src/crypto/ids.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { deriveVault, type VaultSecrets } from '../../src/crypto/vault-keys.ts'
import { systemRandom } from '../../src/daemon/system/random.ts'

export const words = `${'abandon '.repeat(23)}art`
export const otherWords = `${'zoo '.repeat(23)}vote`
export const random = systemRandom
export const now = 1_800_000_000_000
export const clock = { now: () => now }

export interface TestDevice {
  readonly name: string
  readonly peerSeed: Uint8Array
  readonly dhSecret: Uint8Array
  readonly certificate: Uint8Array
  readonly content: Certificate
}

export function vault(phrase = words): VaultSecrets {
  return deriveVault(phrase)
}

export function device(
  secrets: VaultSecrets,
  name: string,
  grants: readonly Grant[] = ['store', 'fetch', 'head'],
): TestDevice {
  const peerSeed = random.bytes(32)
  const dhSecret = random.bytes(32)
  const certificate = issueCertificate(secrets.sign, {
    peer: peerKeyOf(signingKey(peerSeed).publicKey),
    dh: exchangePublicKey(dhSecret),
    grants,
    serial: newSerial(random),
    notAfter: now + 1000,
  })
  return { name, peerSeed, dhSecret, certificate, content: openCertificate(certificate) }
}

/** `bytes` with one bit changed. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

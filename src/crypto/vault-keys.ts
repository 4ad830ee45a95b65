/**
 * Phrase → every key of a vault. Spec: docs/spec/01-keys.md § Derivation (the label table)
 *
 * Invariant: a label's output never changes; new needs get new labels.
 */
import { wipe } from '../base/bytes.ts'
import { hkdf } from './hash.ts'
import { hybridPublicKey, type HybridSecret } from './hybrid.ts'
import { vaultId, type VaultId } from './ids.ts'
import { normalisePhrase, phraseSeed } from './phrase.ts'
import { signingKey, type SigningKey } from './signature.ts'

/** Label → bytes, as derived from the seed. */
export const vaultLabels = {
  sign: 32,
  kem: 96,
  wrap: 32,
  'id-mac': 32,
  chunker: 32,
  rendezvous: 32,
  authority: 32,
  history: 32,
} as const

export type VaultLabel = keyof typeof vaultLabels

/** What the vault's devices keep, 32 bytes each; a write-only device has no `history`. */
export interface SharedKeys {
  /** Keys the chunk ids. */
  readonly idMac: Uint8Array
  /** Makes the chunker's gear table. */
  readonly chunker: Uint8Array
  /** Makes the DHT keys under which heads are found. */
  readonly rendezvous: Uint8Array
  /** Seals the authority object. */
  readonly authority: Uint8Array
  /** Seals the chat archive. */
  readonly history?: Uint8Array
}

/** Everything the phrase gives. Lives only as long as an operation that asked for the phrase. */
export interface VaultSecrets {
  readonly vault: VaultId
  /** The vault key. */
  readonly sign: SigningKey
  /** 96 bytes. */
  readonly kem: HybridSecret
  /** 1216 bytes. */
  readonly kemPublic: Uint8Array
  /** 32 bytes. */
  readonly wrap: Uint8Array
  readonly shared: Required<SharedKeys>
  /**
   * Overwrites `kem` and `wrap`, which never stay on a device. `shared` is left alone: devices keep it. Call in `finally`.
   */
  wipe(): void
}

/** Normalises first; throws `AUTH_PHRASE_INVALID`. Deterministic. */
export function deriveVault(phrase: string): VaultSecrets {
  const seed = phraseSeed(normalisePhrase(phrase))
  const key = (label: VaultLabel): Uint8Array => vaultKey(seed, label)
  const signSeed = key('sign')
  try {
    const sign = signingKey(signSeed)
    const kem = key('kem') as HybridSecret
    const wrap = key('wrap')
    const shared = {
      idMac: key('id-mac'),
      chunker: key('chunker'),
      rendezvous: key('rendezvous'),
      authority: key('authority'),
      history: key('history'),
    }
    const vault = vaultId(sign.publicKey)
    const kemPublic = hybridPublicKey(kem)
    return {
      vault,
      sign,
      kem,
      kemPublic,
      wrap,
      shared,
      wipe: () => {
        wipe(kem, wrap)
      },
    }
  } finally {
    wipe(seed, signSeed)
  }
}

/** `HKDF-Expand(HKDF-Extract(salt = "plexichat/v1", seed), label, n)`. */
function vaultKey(seed: Uint8Array, label: VaultLabel): Uint8Array {
  return hkdf(seed, { salt: Buffer.from('plexichat/v1'), info: label, bytes: vaultLabels[label] })
}

/** The keys the engine works with, and which of them opens what. Spec: docs/spec/01-keys.md § Authority */
import { PlexiError } from '../base/errors.ts'
import type { EpochKey } from '../crypto/authority.ts'
import type { Grant } from '../crypto/certificate.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import type { SigningKey } from '../crypto/signature.ts'
import type { SharedKeys } from '../crypto/vault-keys.ts'

/**
 * Keys of this device that the engine needs; nothing of the vault itself. Read anew at each use: the vault may have made
 * a new epoch, or revoked a device, since the last one.
 */
export interface EngineKeys {
  readonly vault: VaultId
  readonly device: PeerKey
  readonly serial: number
  /** What hosts let this device do. */
  readonly grants: readonly Grant[]
  readonly sign: SigningKey
  readonly shared: SharedKeys
  readonly epochs: readonly EpochKey[]
  readonly authority: Uint8Array
  readonly terms: Uint8Array
}

export function newestEpoch(keys: EngineKeys): EpochKey {
  const newest = keys.epochs.toSorted((a, b) => b.epoch - a.epoch)[0]
  if (newest === undefined) throw new PlexiError('SECURITY_SEALED', { what: 'vault', reason: 'no epoch key' })
  return newest
}

export function epochKeyOf(keys: EngineKeys): (epoch: number) => Uint8Array | undefined {
  return (epoch) => keys.epochs.find((key) => key.epoch === epoch)?.key
}

/** Throws `AUTH_GRANT_MISSING`. */
export function needGrant({ grants }: Pick<EngineKeys, 'grants'>, grant: Grant): void {
  if (!grants.includes(grant)) throw new PlexiError('AUTH_GRANT_MISSING', { grant })
}

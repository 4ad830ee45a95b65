/**
 * What only the words can make: newer authorities and terms. Spec: docs/spec/01-keys.md § Authority. Pure: the result is
 * given to the daemon, which never sees the words. Invariant: what is made follows what was given.
 */
import { toHex, wipe } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { addDevice, revokeDevices, rotateEpoch, type AuthorityVersion } from '../../crypto/authority.ts'
import type { Grant } from '../../crypto/certificate.ts'
import { sealWelcome, type DeviceAsk } from '../../crypto/device-code.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { openTerms, signTerms } from '../../crypto/terms.ts'
import { deriveVault, type VaultSecrets } from '../../crypto/vault-keys.ts'
import { certified, deviceName } from './new-device.ts'
import { signUnlock } from './unlock.ts'
import type { SignedRecord } from './vault-record.ts'

export interface ChangeDeps {
  readonly random: Random
  readonly clock: Pick<Clock, 'now'>
}

/** Whose words, and what is to be changed. */
export interface VaultWords {
  readonly phrase: string
  /** Vault id in hex that the words have to belong to. */
  readonly vault: string
  readonly record: SignedRecord
}

/** Runs `work` with what the words give; throws `AUTH_PHRASE_MISMATCH` for those of another vault. */
export function withWords<T>(words: Pick<VaultWords, 'phrase' | 'vault'>, work: (secrets: VaultSecrets) => T): T {
  const secrets = deriveVault(words.phrase)
  try {
    if (toHex(secrets.vault) !== words.vault) throw new PlexiError('AUTH_PHRASE_MISMATCH', { vault: words.vault })
    return work(secrets)
  } finally {
    secrets.wipe()
  }
}

/** A new epoch for every device that is not revoked. */
export function rotated(words: VaultWords, deps: ChangeDeps): SignedRecord {
  return withWords(words, (secrets) => {
    const { terms } = words.record
    return { authority: bytesOf(rotateEpoch(secrets, words.record.authority, deps)), terms }
  })
}

/** These devices lose every right, and a new epoch begins that they cannot read. */
export function revoked(words: VaultWords & { serials: readonly number[] }, deps: ChangeDeps): SignedRecord {
  return withWords(words, (secrets) => {
    const { serials, record } = words
    const authority = bytesOf(revokeDevices(secrets, record.authority, { ...deps, serials }))
    const { version, floorDays, revokedSerials } = openTerms(record.terms, secrets.vault)
    const all = [...new Set([...revokedSerials, ...serials])]
    return { authority, terms: signTerms(secrets.sign, { version: version + 1, floorDays, revokedSerials: all }) }
  })
}

export interface DeviceAddition {
  /** Who asked, as the code's proof showed it. */
  readonly ask: DeviceAsk
  /** The code's secret. */
  readonly secret: Uint8Array
  readonly grants: readonly Grant[]
  /** What the vault calls it. */
  readonly name: string
}

export interface AddedDevice extends SignedRecord {
  readonly serial: number
  /** For the new device alone. */
  readonly welcome: Uint8Array
}

/** One more device. Who may not fetch gets the newest epoch alone, and no key of the chat archive. */
export function withDevice(words: VaultWords & { device: DeviceAddition }, deps: ChangeDeps): AddedDevice {
  return withWords(words, (secrets) => {
    const { record, device } = words
    const { ask, secret, grants } = device
    const name = deviceName(device.name)
    const { serial, certificate } = certified(secrets, { ...ask, grants }, deps)
    const authority = bytesOf(addDevice(secrets, record.authority, { ...deps, device: { name, certificate } }))
    const { history, ...sharedByAll } = secrets.shared
    const shared = grants.includes('fetch') ? { ...sharedByAll, history } : sharedByAll
    const { vault, kemPublic } = secrets
    const welcome = sealWelcome({ name, certificate, shared, kemPublic }, { secret, vault, ask }, deps.random)
    return { authority, terms: record.terms, serial, welcome }
  })
}

/** The proof that the words were given for this device. */
export function unlocked(
  words: Pick<VaultWords, 'phrase' | 'vault'>,
  peer: PeerKey,
  clock: Pick<Clock, 'now'>,
): Uint8Array {
  return withWords(words, ({ sign }) => signUnlock(sign, { peer, time: clock.now() }))
}

function bytesOf({ bytes, epochs }: AuthorityVersion): Uint8Array {
  wipe(...epochs.map(({ key }) => key))
  return bytes
}

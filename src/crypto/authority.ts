/**
 * The authority: the vault's own chained record of devices, epoch keys and revocations, signed by the vault key and
 * sealed under `authority`. Spec: docs/spec/01-keys.md § Authority
 *
 * Invariant: epochs, devices and revocations only grow. Only the phrase makes a new version, so a stolen device can
 * neither add itself back nor read what is sealed after it was revoked.
 */
import { equal, wipe } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { invariant, isPlexiError, PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import {
  checkAuthority,
  decodeAuthority,
  defaultParams,
  encodeAuthority,
  type Authority,
  type AuthorityDevice,
  type AuthorityEpoch,
  type VaultParams,
} from './authority-format.ts'
import { openCertificate } from './certificate.ts'
import { encode } from './codec.ts'
import {
  deviceUnwrapEpoch,
  deviceWrapEpoch,
  hybridUnwrapEpoch,
  hybridWrapEpoch,
  unwrapEpoch,
  wrapEpoch,
  type EpochKey,
} from './epoch-wrap.ts'
import { sha256 } from './hash.ts'
import type { VaultId } from './ids.ts'
import { MAX_AUTHORITY_BYTES } from './options.ts'
import { BOX_OVERHEAD_BYTES, openBox, sealBox } from './seal.ts'
import { openEnvelope, signEnvelope } from './signature.ts'
import type { VaultSecrets } from './vault-keys.ts'

export type { Authority, AuthorityDevice, AuthorityEpoch, VaultParams } from './authority-format.ts'
export type { EpochKey } from './epoch-wrap.ts'

export interface NewDevice {
  /** 1 to 64 bytes of UTF-8. */
  readonly name: string
  /** Issued by this vault. */
  readonly certificate: Uint8Array
}

export interface AuthorityDeps {
  readonly random: Random
  readonly clock: Pick<Clock, 'now'>
}

/** A version just made: its sealed bytes, its content, every epoch key in order. */
export interface AuthorityVersion {
  readonly bytes: Uint8Array
  readonly authority: Authority
  readonly epochs: EpochKey[]
}

/** Version 1 with one device and epoch 1. */
export function createAuthority(
  secrets: VaultSecrets,
  device: NewDevice,
  deps: AuthorityDeps & { params?: Partial<VaultParams> },
): AuthorityVersion {
  const record = deviceRecord(secrets.vault, device, deps)
  const fresh = newEpoch(secrets, { epoch: 1, devices: [record] }, deps)
  const authority: Authority = {
    v: 1,
    vault: secrets.vault,
    version: 1,
    prev: null,
    params: { ...defaultParams, ...deps.params },
    epochs: [fresh.entry],
    devices: [record],
    revoked: [],
  }
  return publish(secrets, authority, { keys: [fresh.key], random: deps.random })
}

/** Throws `VALIDATION_LIMIT`, `SECURITY_SEALED`, `SECURITY_SIGNATURE` or `VALIDATION_DECODE`, in this order. */
export function openAuthority(bytes: Uint8Array, use: { key: Uint8Array; vault: VaultId }): Authority {
  if (bytes.length > MAX_AUTHORITY_BYTES) throw tooLarge()
  const envelope = openBox(use.key, { label: 'authority', box: bytes, aad: use.vault, what })
  const payload = openEnvelope(envelope, { ...limits, publicKey: use.vault, domain: 'authority' })
  return decodeAuthority(payload, use.vault)
}

/** Names a version: SHA-256 of the sealed bytes. */
export function authorityHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes)
}

/** Version + 1 with one more device: every epoch for a device that may fetch, the newest for a write-only one. */
export function addDevice(
  secrets: VaultSecrets,
  previous: Uint8Array,
  change: AuthorityDeps & { device: NewDevice },
): AuthorityVersion {
  const old = openAuthority(previous, { key: secrets.shared.authority, vault: secrets.vault })
  const record = deviceRecord(secrets.vault, change.device, change)
  const keys = epochKeysForVault(secrets, old)
  const newest = keys.length
  const mayRead = record.content.grants.includes('fetch')
  const epochs = old.epochs.map((entry, i) => {
    const key = keys[i]
    invariant(key !== undefined, 'a key for each epoch')
    return mayRead || entry.epoch === newest ? withDevice(secrets.vault, { entry, key, record }, change.random) : entry
  })
  const next = { ...successor(old, previous), epochs, devices: [...old.devices, record] }
  return publish(secrets, next, { keys, random: change.random })
}

/** Version + 1 that revokes these serials and starts an epoch they cannot read. Unknown serials: `STORAGE_NOT_FOUND`. */
export function revokeDevices(
  secrets: VaultSecrets,
  previous: Uint8Array,
  change: AuthorityDeps & { serials: readonly number[] },
): AuthorityVersion {
  const old = openAuthority(previous, { key: secrets.shared.authority, vault: secrets.vault })
  for (const serial of change.serials) {
    if (!old.devices.some((device) => device.content.serial === serial)) {
      throw new PlexiError('STORAGE_NOT_FOUND', { what: `device with serial ${String(serial)}` })
    }
  }
  const revoked = [...new Set([...old.revoked, ...change.serials])].sort((a, b) => a - b)
  return nextEpoch(secrets, { ...successor(old, previous), revoked }, change)
}

/** Version + 1 with a new epoch for every device that is not revoked. */
export function rotateEpoch(secrets: VaultSecrets, previous: Uint8Array, deps: AuthorityDeps): AuthorityVersion {
  const old = openAuthority(previous, { key: secrets.shared.authority, vault: secrets.vault })
  return nextEpoch(secrets, successor(old, previous), deps)
}

/** Every epoch key, through `wrap`, or through the hybrid wrap where that does not open. */
export function epochKeysForVault(
  secrets: Pick<VaultSecrets, 'vault' | 'wrap' | 'kem'>,
  authority: Authority,
): EpochKey[] {
  return authority.epochs.map(({ epoch, wrap, hybrid }) => {
    const place = { vault: authority.vault, epoch }
    try {
      return { epoch, key: unwrapEpoch(secrets.wrap, wrap, place) }
    } catch (error) {
      if (!isPlexiError(error, 'SECURITY_SEALED')) throw error
      return { epoch, key: hybridUnwrapEpoch(secrets.kem, hybrid, place) }
    }
  })
}

/** The epoch keys wrapped for this device, oldest first; none after a revocation or for a stranger. Throws `SECURITY_SEALED` for another `dhSecret`. */
export function epochKeysForDevice(dhSecret: Uint8Array, serial: number, authority: Authority): EpochKey[] {
  return authority.epochs.flatMap(({ epoch, devices }) => {
    const mine = devices.find((device) => device.serial === serial)
    if (mine === undefined) return []
    return [{ epoch, key: deviceUnwrapEpoch(dhSecret, mine.box, { vault: authority.vault, epoch, serial }) }]
  })
}

/**
 * Holds a version that arrived against the newest known one. Throws `SECURITY_ROLLBACK` for an older version, for the
 * same version with other bytes, and for one that dropped something. `'same'` for equal bytes.
 */
export function checkSuccessor(
  known: { bytes: Uint8Array; authority: Authority },
  offered: { bytes: Uint8Array; authority: Authority },
): 'same' | 'newer' {
  if (equal(known.bytes, offered.bytes)) return 'same'
  const [old, next] = [known.authority, offered.authority]
  const linked = next.version > old.version + 1 || equal(next.prev ?? empty, authorityHash(known.bytes))
  if (next.version <= old.version || !linked || !grew(old, next)) {
    throw new PlexiError('SECURITY_ROLLBACK', { what: 'authority', offered: next.version, known: old.version })
  }
  return 'newer'
}

const what = 'the authority'
const limits = { what, maxBytes: MAX_AUTHORITY_BYTES }
const empty = new Uint8Array(0)

function deviceRecord(vault: VaultId, device: NewDevice, { clock }: AuthorityDeps): AuthorityDevice {
  const content = openCertificate(device.certificate)
  if (!equal(content.vault, vault)) throw new PlexiError('AUTH_CERTIFICATE', { reason: 'another vault issued it' })
  return { name: device.name, certificate: device.certificate, time: clock.now(), content }
}

function successor(old: Authority, previous: Uint8Array): Authority {
  return { ...old, version: old.version + 1, prev: authorityHash(previous) }
}

function nextEpoch(secrets: VaultSecrets, next: Authority, deps: AuthorityDeps): AuthorityVersion {
  const devices = next.devices.filter((device) => !next.revoked.includes(device.content.serial))
  const fresh = newEpoch(secrets, { epoch: next.epochs.length + 1, devices }, deps)
  const keys = [...epochKeysForVault(secrets, next), fresh.key]
  const older = next.epochs.map((entry) => withoutWriteOnly(entry, next.devices))
  return publish(secrets, { ...next, epochs: [...older, fresh.entry] }, { keys, random: deps.random })
}

/** Who may not fetch holds the newest epoch key alone: older ones go with the epoch that follows. */
function withoutWriteOnly(entry: AuthorityEpoch, devices: readonly AuthorityDevice[]): AuthorityEpoch {
  const readers = new Set(
    devices.filter(({ content }) => content.grants.includes('fetch')).map(({ content }) => content.serial),
  )
  return { ...entry, devices: entry.devices.filter(({ serial }) => readers.has(serial)) }
}

function newEpoch(
  secrets: VaultSecrets,
  { epoch, devices }: { epoch: number; devices: readonly AuthorityDevice[] },
  { random, clock }: AuthorityDeps,
): { entry: AuthorityEpoch; key: EpochKey } {
  const key = { epoch, key: random.bytes(32) }
  const place = { vault: secrets.vault, ...key }
  const bare: AuthorityEpoch = {
    epoch,
    time: clock.now(),
    wrap: wrapEpoch(secrets.wrap, place, random),
    hybrid: hybridWrapEpoch(secrets.kemPublic, place, random),
    devices: [],
  }
  const add = (entry: AuthorityEpoch, record: AuthorityDevice): AuthorityEpoch =>
    withDevice(secrets.vault, { entry, key, record }, random)
  return { entry: devices.reduce(add, bare), key }
}

function withDevice(
  vault: VaultId,
  { entry, key, record }: { entry: AuthorityEpoch; key: EpochKey; record: AuthorityDevice },
  random: Random,
): AuthorityEpoch {
  const { serial, dh } = record.content
  const box = deviceWrapEpoch({ dh, serial }, { vault, ...key }, random)
  return { ...entry, devices: [...entry.devices, { serial, box }].sort((a, b) => a.serial - b.serial) }
}

function publish(
  secrets: VaultSecrets,
  authority: Authority,
  { keys, random }: { keys: EpochKey[]; random: Random },
): AuthorityVersion {
  const envelope = signEnvelope(secrets.sign, 'authority', encodeAuthority(authority))
  try {
    checkAuthority(authority)
    if (envelope.length + BOX_OVERHEAD_BYTES > MAX_AUTHORITY_BYTES) throw tooLarge()
    const sealed = { label: 'authority', plaintext: envelope, aad: secrets.vault, random }
    return { bytes: sealBox(secrets.shared.authority, sealed), authority, epochs: keys }
  } catch (error) {
    wipe(...keys.map(({ key }) => key))
    throw error
  } finally {
    wipe(envelope)
  }
}

function tooLarge(): PlexiError {
  return new PlexiError('VALIDATION_LIMIT', { what, limit: `${String(MAX_AUTHORITY_BYTES)} bytes` })
}

/** Nothing the old version had may be gone or different, but for device wraps, which may be more. */
function grew(old: Authority, next: Authority): boolean {
  const epochs = old.epochs.every((entry, i) => {
    const now = next.epochs[i]
    return now !== undefined && equal(entry.wrap, now.wrap) && equal(entry.hybrid, now.hybrid)
  })
  const devices = old.devices.every((device, i) => {
    const now = next.devices[i]
    return now !== undefined && equal(device.certificate, now.certificate)
  })
  const params = equal(encode({ ...old.params }), encode({ ...next.params }))
  return params && epochs && devices && old.revoked.every((serial) => next.revoked.includes(serial))
}

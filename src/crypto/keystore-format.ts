/**
 * The keystore file: a device's keys at rest, under a passphrase or a key file. Spec: docs/spec/01-keys.md § Keystore
 *
 * Invariant: stored Argon2 parameters are held against a floor and a ceiling before they are used.
 */
import { argon2Sync } from 'node:crypto'
import * as z from 'zod'
import { concat, uint32, view, wipe } from '../base/bytes.ts'
import { isPlexiError, PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, textUpTo, uintUpTo, vaultField } from './codec.ts'
import type { EpochKey } from './epoch-wrap.ts'
import { HYBRID_PUBLIC_BYTES } from './hybrid.ts'
import type { VaultId } from './ids.ts'
import {
  ARGON2,
  ARGON2_CEILING,
  ARGON2_FLOOR,
  MAX_AUTHORITY_BYTES,
  MAX_CERTIFICATE_BYTES,
  MAX_EPOCHS,
  MAX_KEYSTORE_BYTES,
  MAX_NAME_BYTES,
  MAX_TERMS_BYTES,
} from './options.ts'
import { BOX_OVERHEAD_BYTES, openBox, sealBox } from './seal.ts'
import type { SharedKeys } from './vault-keys.ts'

export interface DeviceKeys {
  /** What the vault calls this device, 1 to 64 bytes of UTF-8. */
  readonly name: string
  readonly vault: VaultId
  /** Ed25519 seed of the libp2p key, which is the device's signing key, 32 bytes. */
  readonly peerSeed: Uint8Array
  /** X25519 secret, 32 bytes. */
  readonly dhSecret: Uint8Array
  readonly certificate: Uint8Array
  readonly shared: SharedKeys
  /** Oldest first. */
  readonly epochs: readonly EpochKey[]
  /** Sealed, newest known. */
  readonly authority: Uint8Array
  /** Signed, newest known. */
  readonly terms: Uint8Array
  /** 1216 bytes. */
  readonly kemPublic: Uint8Array
}

/** `key` is the 32 bytes of a key file. */
export type KeystoreLock = { readonly passphrase: Uint8Array } | { readonly key: Uint8Array }

/** The file's bytes. With a passphrase it takes the time of one Argon2id (about 0.2 s). */
export function sealKeystore(keys: DeviceKeys, lock: KeystoreLock, random: Random): Uint8Array {
  const header = 'key' in lock ? keyHeader : passphraseHeader(ARGON2, random.bytes(SALT_BYTES))
  const secret = lockSecret(lock, header)
  const plaintext = encode(plainKeys(keys))
  try {
    decodeAs(keysSchema, plaintext, limits)
    return concat(header, sealBox(secret, { label: 'keystore', plaintext, aad: header, random }))
  } finally {
    wipe(secret, plaintext)
  }
}

/**
 * Throws `AUTH_PASSPHRASE_WRONG` for the wrong passphrase or key, `AUTH_PASSPHRASE_REQUIRED` when a key is given and a
 * passphrase is needed, `VALIDATION_*` or `SECURITY_SEALED` when the file is damaged. The caller owns the secrets.
 */
export function openKeystore(bytes: Uint8Array, lock: KeystoreLock): DeviceKeys {
  const kind = keystoreLockKind(bytes)
  if (kind === 'passphrase' && !('passphrase' in lock)) throw new PlexiError('AUTH_PASSPHRASE_REQUIRED')
  if (kind === 'key' && !('key' in lock)) throw new PlexiError('AUTH_PASSPHRASE_WRONG')
  const header = bytes.subarray(0, HEADER_BYTES)
  const secret = lockSecret(lock, header)
  let plaintext: Uint8Array | undefined
  try {
    plaintext = openContent(secret, bytes)
    const { v: _v, epochs, ...rest } = decodeAs(keysSchema, plaintext, limits)
    return { ...rest, epochs: epochs.map(([epoch, key]) => ({ epoch, key })) }
  } finally {
    wipe(secret, ...(plaintext === undefined ? [] : [plaintext]))
  }
}

/** What opens the file. Checks limit, magic and the fixed fields: throws `VALIDATION_LIMIT` or `VALIDATION_DECODE`. */
export function keystoreLockKind(bytes: Uint8Array): 'passphrase' | 'key' {
  if (bytes.length > MAX_KEYSTORE_BYTES) {
    throw new PlexiError('VALIDATION_LIMIT', { what: limits.what, limit: `${String(MAX_KEYSTORE_BYTES)} bytes` })
  }
  if (bytes.length < HEADER_BYTES + BOX_OVERHEAD_BYTES) throw malformed('too short')
  const header = view(bytes).subarray(0, HEADER_BYTES)
  if (header.toString('latin1', 0, 4) !== MAGIC) throw malformed('no keystore')
  if (header.readUIntBE(5, 3) !== 0) throw malformed('reserved bytes')
  if (header[4] === LOCK_PASSPHRASE) return 'passphrase'
  if (header[4] !== LOCK_KEY || !header.equals(keyHeader)) throw malformed('unknown lock')
  return 'key'
}

const MAGIC = 'PXK1'
const LOCK_PASSPHRASE = 1
const LOCK_KEY = 2
const SALT_BYTES = 16
const HEADER_BYTES = 36

const limits = { what: 'the keystore', maxBytes: MAX_KEYSTORE_BYTES }

interface Cost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

const keyHeader = concat(Buffer.from(MAGIC), Uint8Array.of(LOCK_KEY), new Uint8Array(HEADER_BYTES - 5))

function passphraseHeader(cost: Cost, salt: Uint8Array): Uint8Array {
  const fields = [uint32(cost.memoryKiB), uint32(cost.passes), uint32(cost.lanes)]
  return concat(Buffer.from(MAGIC), Uint8Array.of(LOCK_PASSPHRASE, 0, 0, 0), ...fields, salt)
}

/** A fresh buffer that the caller wipes. */
function lockSecret(lock: KeystoreLock, header: Uint8Array): Uint8Array {
  if ('key' in lock) {
    if (lock.key.length !== 32) throw new PlexiError('VALIDATION_FORMAT', { expected: 'a key file of 32 bytes' })
    return Uint8Array.from(lock.key)
  }
  if (lock.passphrase.length === 0) throw new PlexiError('VALIDATION_FORMAT', { expected: 'a passphrase' })
  const fields = view(header)
  const cost = { memoryKiB: fields.readUInt32BE(8), passes: fields.readUInt32BE(12), lanes: fields.readUInt32BE(16) }
  for (const field of ['memoryKiB', 'passes', 'lanes'] as const) {
    if (cost[field] < ARGON2_FLOOR[field]) throw malformed(`${field} is too low`)
    if (cost[field] > ARGON2_CEILING[field]) throw malformed(`${field} is too high`)
  }
  return argon2Sync('argon2id', {
    message: lock.passphrase,
    nonce: fields.subarray(20, 20 + SALT_BYTES),
    memory: cost.memoryKiB,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength: 32,
  })
}

/** The commitment tells a wrong key (which may be tried again) from a damaged file. */
function openContent(secret: Uint8Array, bytes: Uint8Array): Uint8Array {
  const header = bytes.subarray(0, HEADER_BYTES)
  try {
    return openBox(secret, { label: 'keystore', box: bytes.subarray(HEADER_BYTES), aad: header, what: limits.what })
  } catch (cause) {
    if (isPlexiError(cause, 'SECURITY_SEALED') && cause.details['stage'] === 'commitment') {
      throw new PlexiError('AUTH_PASSPHRASE_WRONG', {}, { cause })
    }
    throw cause
  }
}

function plainKeys(keys: DeviceKeys) {
  const { name, vault, peerSeed, dhSecret, certificate, authority, terms, kemPublic } = keys
  const shared = plainShared(keys.shared)
  const epochs = keys.epochs.map(({ epoch, key }) => [epoch, key] as const)
  return { v: 1, name, vault, peerSeed, dhSecret, certificate, shared, epochs, authority, terms, kemPublic }
}

/** As `sharedField` reads it. */
export function plainShared({ idMac, chunker, rendezvous, authority, history }: SharedKeys) {
  return { idMac, chunker, rendezvous, authority, ...(history === undefined ? {} : { history }) }
}

function malformed(reason: string): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what: limits.what, reason })
}

const key32 = bytesOf(32)

export const sharedField = z
  .strictObject({ idMac: key32, chunker: key32, rendezvous: key32, authority: key32, history: key32.optional() })
  .transform(({ history, ...rest }): SharedKeys => (history === undefined ? rest : { ...rest, history }))

const keysSchema = z.strictObject({
  v: z.literal(1),
  name: textUpTo(MAX_NAME_BYTES).refine((name) => name !== '', { error: 'empty' }),
  vault: vaultField,
  peerSeed: key32,
  dhSecret: key32,
  certificate: bytesUpTo(MAX_CERTIFICATE_BYTES),
  shared: sharedField,
  epochs: z
    .array(z.tuple([uintUpTo(2 ** 32 - 1), key32]))
    .min(1)
    .max(MAX_EPOCHS)
    .refine((epochs) => epochs.every(([epoch], i) => i === 0 || epoch > (epochs[i - 1]?.[0] ?? 0)), {
      error: 'epochs are not in order',
    }),
  authority: bytesUpTo(MAX_AUTHORITY_BYTES),
  terms: bytesUpTo(MAX_TERMS_BYTES),
  kemPublic: bytesOf(HYBRID_PUBLIC_BYTES),
})

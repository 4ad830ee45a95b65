/**
 * The three ways an epoch key is kept in the authority: under `wrap`, under the hybrid public key, to a device.
 * Spec: docs/spec/01-keys.md § Sealing (labels), Hybrid wrap, Device wrap
 *
 * Invariant: each is bound to vault and epoch, a device's also to its serial, so none can be moved.
 */
import { concat, uint32, wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { hkdf } from './hash.ts'
import { ephemeralExchange, exchange, exchangePublicKey, hybridOpen, hybridWrap, type HybridSecret } from './hybrid.ts'
import type { VaultId } from './ids.ts'
import { openBox, sealBox } from './seal.ts'

/** A key that seals shards and heads from its epoch on. */
export interface EpochKey {
  readonly epoch: number
  /** 32 bytes. */
  readonly key: Uint8Array
}

export const WRAP_BYTES = 113
export const HYBRID_WRAP_BYTES = 1234
export const DEVICE_WRAP_BYTES = 145

interface Place {
  readonly vault: VaultId
  readonly epoch: number
}

export function wrapEpoch(wrap: Uint8Array, { vault, epoch, key }: Place & EpochKey, random: Random): Uint8Array {
  return sealBox(wrap, { label: 'wrap', plaintext: key, aad: placeOf({ vault, epoch }), random })
}

/** Throws `SECURITY_SEALED`. */
export function unwrapEpoch(wrap: Uint8Array, box: Uint8Array, place: Place): Uint8Array {
  return openBox(wrap, { label: 'wrap', box, aad: placeOf(place), what: 'an epoch key' })
}

export function hybridWrapEpoch(kemPublic: Uint8Array, entry: Place & EpochKey, random: Random): Uint8Array {
  return hybridWrap(kemPublic, entry.key, { random, aad: placeOf(entry) })
}

/** Throws `SECURITY_SEALED`. */
export function hybridUnwrapEpoch(kem: HybridSecret, box: Uint8Array, place: Place): Uint8Array {
  return hybridOpen(kem, box, { aad: placeOf(place) })
}

/** To the device whose certificate has this `dh` and `serial`. */
export function deviceWrapEpoch(
  device: { dh: Uint8Array; serial: number },
  entry: Place & EpochKey,
  random: Random,
): Uint8Array {
  const { ephemeral, secret } = ephemeralExchange(device.dh, random)
  const key = deviceWrapKey(secret, ephemeral, device.dh)
  try {
    const aad = concat(ephemeral, placeOf(entry), uint64(device.serial))
    return concat(ephemeral, sealBox(key, { label: 'device', plaintext: entry.key, aad, random }))
  } finally {
    wipe(secret, key)
  }
}

/** Throws `SECURITY_SEALED`. */
export function deviceUnwrapEpoch(
  dhSecret: Uint8Array,
  box: Uint8Array,
  place: Place & { serial: number },
): Uint8Array {
  if (box.length !== DEVICE_WRAP_BYTES) throw new PlexiError('SECURITY_SEALED', { what: 'an epoch key' })
  const ephemeral = box.subarray(0, 32)
  const secret = exchange(dhSecret, ephemeral)
  const key = deviceWrapKey(secret, ephemeral, exchangePublicKey(dhSecret))
  try {
    const aad = concat(ephemeral, placeOf(place), uint64(place.serial))
    return openBox(key, { label: 'device', box: box.subarray(32), aad, what: 'an epoch key' })
  } finally {
    wipe(secret, key)
  }
}

function deviceWrapKey(secret: Uint8Array, ephemeral: Uint8Array, dh: Uint8Array): Uint8Array {
  return hkdf(secret, { salt: concat(ephemeral, dh), info: 'device-wrap', bytes: 32 })
}

const placeOf = ({ vault, epoch }: Place): Uint8Array => concat(vault, uint32(epoch))

function uint64(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

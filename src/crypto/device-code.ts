/**
 * What a one-time code for a new device is good for: the new device proves that it has the code, and whoever has the
 * words seals to it what a device keeps. Spec: docs/spec/01-keys.md § Device code
 *
 * Invariant: proof and welcome are bound to both peers and to the new device's keys, so neither serves anybody else.
 */
import * as z from 'zod'
import { concat, wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { bytesOf, bytesUpTo, decodeAs, encode, textUpTo } from './codec.ts'
import { hkdf, hmac } from './hash.ts'
import { ephemeralExchange, exchange, HYBRID_PUBLIC_BYTES } from './hybrid.ts'
import type { PeerKey, VaultId } from './ids.ts'
import { plainShared, sharedField } from './keystore-format.ts'
import { MAX_CERTIFICATE_BYTES, MAX_NAME_BYTES, MAX_WELCOME_BYTES } from './options.ts'
import { openBox, sealBox } from './seal.ts'
import type { SharedKeys } from './vault-keys.ts'

export const CODE_ID_BYTES = 8
export const PROOF_BYTES = 32

/** Who asks whom to become a device. */
export interface DeviceAsk {
  /** The device that made the code. */
  readonly host: PeerKey
  readonly peer: PeerKey
  /** X25519 public key of the new device, 32 bytes. */
  readonly dh: Uint8Array
  /** What it calls itself. */
  readonly name: string
}

/** What a new device is told beside the authority and the terms; its epoch keys are wrapped for it in the authority. */
export interface DeviceWelcome {
  readonly name: string
  readonly certificate: Uint8Array
  readonly shared: SharedKeys
  /** 1216 bytes. */
  readonly kemPublic: Uint8Array
}

/** Names the code without telling it, 8 bytes. */
export function deviceCodeId(secret: Uint8Array): Uint8Array {
  return hkdf(secret, { info: 'device-code-id', bytes: CODE_ID_BYTES })
}

/** 32 bytes that only somebody with the code can make for this request. */
export function deviceProof(secret: Uint8Array, ask: DeviceAsk): Uint8Array {
  const key = hkdf(secret, { info: 'device-proof', bytes: 32 })
  try {
    return hmac(key, plainAsk(ask))
  } finally {
    wipe(key)
  }
}

interface Parties {
  /** The code's. */
  readonly secret: Uint8Array
  readonly vault: VaultId
  readonly ask: DeviceAsk
}

/** Ephemeral X25519 key ‖ box. */
export function sealWelcome(welcome: DeviceWelcome, to: Parties, random: Random): Uint8Array {
  const { name, certificate, shared, kemPublic } = welcome
  const plaintext = encode({ v: 1, name, certificate, shared: plainShared(shared), kemPublic })
  const { ephemeral, secret } = ephemeralExchange(to.ask.dh, random)
  const key = welcomeKey(secret, { ephemeral, ...to })
  try {
    return concat(ephemeral, sealBox(key, { label: 'welcome', plaintext, aad: place(ephemeral, to), random }))
  } finally {
    wipe(secret, key, plaintext)
  }
}

/** Throws `VALIDATION_LIMIT`, `SECURITY_SEALED` for another code, request or device key, `VALIDATION_DECODE`. */
export function openWelcome(sealed: Uint8Array, from: Parties & { readonly dhSecret: Uint8Array }): DeviceWelcome {
  if (sealed.length > MAX_WELCOME_BYTES)
    throw new PlexiError('VALIDATION_LIMIT', { what, limit: `${String(MAX_WELCOME_BYTES)} bytes` })
  const ephemeral = sealed.subarray(0, 32)
  if (ephemeral.length < 32) throw new PlexiError('SECURITY_SEALED', { what })
  const secret = exchange(from.dhSecret, ephemeral)
  const key = welcomeKey(secret, { ephemeral, ...from })
  let plaintext: Uint8Array | undefined
  try {
    plaintext = openBox(key, { label: 'welcome', box: sealed.subarray(32), aad: place(ephemeral, from), what })
    const { v: _v, ...welcome } = decodeAs(welcomeSchema, plaintext, limits)
    return welcome
  } finally {
    wipe(secret, key, ...(plaintext === undefined ? [] : [plaintext]))
  }
}

const what = 'a welcome'
const limits = { what, maxBytes: MAX_WELCOME_BYTES }

function welcomeKey(shared: Uint8Array, use: Parties & { ephemeral: Uint8Array }): Uint8Array {
  const both = concat(shared, use.secret)
  try {
    return hkdf(both, { salt: concat(use.ephemeral, use.ask.dh), info: 'device-welcome', bytes: 32 })
  } finally {
    wipe(both)
  }
}

function place(ephemeral: Uint8Array, { vault, ask }: Parties): Uint8Array {
  return concat(ephemeral, vault, plainAsk(ask))
}

function plainAsk({ host, peer, dh, name }: DeviceAsk): Uint8Array {
  return encode([host, peer, dh, name])
}

const welcomeSchema = z.strictObject({
  v: z.literal(1),
  name: textUpTo(MAX_NAME_BYTES),
  certificate: bytesUpTo(MAX_CERTIFICATE_BYTES),
  shared: sharedField,
  kemPublic: bytesOf(HYBRID_PUBLIC_BYTES),
})

/**
 * Wrapping a secret for the vault's public key: X25519 and ML-KEM-768 combined as X-Wing does, so that it stays shut
 * unless both break. Spec: docs/spec/01-keys.md § Hybrid wrap
 *
 * Secret: ML-KEM seed d‖z (64) ‖ X25519 secret (32). Public: ML-KEM-768 key (1184) ‖ X25519 key (32).
 */
import { decapsulate, diffieHellman, encapsulate, hash } from 'node:crypto'
import { concat, utf8, wipe } from '../base/bytes.ts'
import { PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { privateKeyObject, publicKeyObject, rawPublicKey } from './key-objects.ts'
import { openBox, sealBox } from './seal.ts'

declare const brand: unique symbol
export type HybridSecret = Uint8Array & { readonly [brand]: 'HybridSecret' }

export const HYBRID_PUBLIC_BYTES = 1216
/** kind(1) ‖ ML-KEM ciphertext(1088) ‖ ephemeral X25519 key(32) */
export const HYBRID_HEADER_BYTES = 1121

/** draft-connolly-cfrg-xwing-kem-10. */
const KIND_XWING = 1
const MLKEM_PUBLIC = 1184
const MLKEM_SEED = 64
const MLKEM_CIPHERTEXT = 1088
const XWING_LABEL = utf8('\\.//^\\')

/** The 1216-byte public half. */
export function hybridPublicKey(secret: HybridSecret): Uint8Array {
  return concat(
    rawPublicKey('ml-kem-768', privateKeyObject('ml-kem-768', secret.subarray(0, MLKEM_SEED))),
    rawPublicKey('x25519', privateKeyObject('x25519', secret.subarray(MLKEM_SEED))),
  )
}

/** Header ‖ box; `aad` binds it to its place. ML-KEM's coins come from OpenSSL's own generator, the rest from `random`. */
export function hybridWrap(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  { random, aad }: { random: Random; aad?: Uint8Array },
): Uint8Array {
  const { ciphertext, shared } = xwingEncapsulate(publicKey, random)
  const header = concat(Uint8Array.of(KIND_XWING), ciphertext)
  try {
    return concat(header, sealBox(shared, { label: 'hybrid', plaintext, aad: concat(header, aad ?? empty), random }))
  } finally {
    wipe(shared)
  }
}

/** Throws `SECURITY_SEALED` for the wrong secret, other `aad` or any changed byte. */
export function hybridOpen(secret: HybridSecret, box: Uint8Array, options: { aad?: Uint8Array } = {}): Uint8Array {
  if (box.length < HYBRID_HEADER_BYTES || box[0] !== KIND_XWING) throw cannotOpen()
  const header = box.subarray(0, HYBRID_HEADER_BYTES)
  const shared = xwingDecapsulate(secret, header.subarray(1))
  try {
    return openBox(shared, {
      label: 'hybrid',
      box: box.subarray(HYBRID_HEADER_BYTES),
      aad: concat(header, options.aad ?? empty),
      what: 'a hybrid wrap',
    })
  } finally {
    wipe(shared)
  }
}

/** X-Wing encapsulation: 1120 bytes of ciphertext and the 32-byte shared secret. */
export function xwingEncapsulate(
  publicKey: Uint8Array,
  random: Random,
): { ciphertext: Uint8Array; shared: Uint8Array } {
  const kem = encapsulate(publicKeyObject('ml-kem-768', publicKey.subarray(0, MLKEM_PUBLIC)))
  const theirs = publicKey.subarray(MLKEM_PUBLIC)
  let dh: Uint8Array | undefined
  try {
    const { ephemeral, secret } = ephemeralExchange(theirs, random)
    dh = secret
    const shared = combine({ kem: kem.sharedKey, dh, ephemeral, publicKey: theirs })
    return { ciphertext: concat(kem.ciphertext, ephemeral), shared }
  } finally {
    wipe(kem.sharedKey, dh ?? empty)
  }
}

/** Inverse of `xwingEncapsulate`; wrong ciphertexts give an unrelated secret (implicit rejection) or `SECURITY_SEALED`. */
export function xwingDecapsulate(secret: HybridSecret, ciphertext: Uint8Array): Uint8Array {
  const kemKey = privateKeyObject('ml-kem-768', secret.subarray(0, MLKEM_SEED))
  const dhSecret = secret.subarray(MLKEM_SEED)
  const ephemeral = ciphertext.subarray(MLKEM_CIPHERTEXT)
  const dh = exchange(dhSecret, ephemeral)
  const kem = decapsulate(kemKey, ciphertext.subarray(0, MLKEM_CIPHERTEXT))
  try {
    return combine({ kem, dh, ephemeral, publicKey: exchangePublicKey(dhSecret) })
  } finally {
    wipe(kem, dh)
  }
}

/** A fresh X25519 key pair and what it shares with `theirs`; throws `VALIDATION_FORMAT` for a key of small order. */
export function ephemeralExchange(theirs: Uint8Array, random: Random): { ephemeral: Uint8Array; secret: Uint8Array } {
  const seed = random.bytes(32)
  try {
    const key = privateKeyObject('x25519', seed)
    const secret = diffieHellman({ privateKey: key, publicKey: publicKeyObject('x25519', theirs) })
    return { ephemeral: rawPublicKey('x25519', key), secret }
  } catch (cause) {
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'a usable X25519 key' }, { cause })
  } finally {
    wipe(seed)
  }
}

/** X25519; throws `SECURITY_SEALED` when the other side sent a point of small order. */
export function exchange(secret: Uint8Array, theirs: Uint8Array): Uint8Array {
  const privateKey = privateKeyObject('x25519', secret)
  try {
    return diffieHellman({ privateKey, publicKey: publicKeyObject('x25519', theirs) })
  } catch (cause) {
    throw cannotOpen(cause)
  }
}

/** The public half of an X25519 secret. */
export function exchangePublicKey(secret: Uint8Array): Uint8Array {
  return rawPublicKey('x25519', privateKeyObject('x25519', secret))
}

const empty = new Uint8Array(0)

function combine(parts: { kem: Uint8Array; dh: Uint8Array; ephemeral: Uint8Array; publicKey: Uint8Array }): Uint8Array {
  const input = concat(parts.kem, parts.dh, parts.ephemeral, parts.publicKey, XWING_LABEL)
  try {
    return hash('sha3-256', input, 'buffer')
  } finally {
    wipe(input)
  }
}

function cannotOpen(cause?: unknown): PlexiError {
  return new PlexiError('SECURITY_SEALED', { what: 'a hybrid wrap' }, { cause })
}

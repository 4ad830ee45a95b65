/**
 * Sealing: one fresh key per message from a salt, an AEAD, and a commitment to the key. Spec: docs/spec/01-keys.md § Sealing
 *
 * Invariants: a (key, nonce) pair seals one message, for its salt is random; a box opens under one key only, for the
 * commitment is checked first; plaintext that fails its tag never leaves this file.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concat, copyInto, equalSecret, KiB, wipe } from '../base/bytes.ts'
import { invariant, PlexiError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import { hkdf } from './hash.ts'

/** 1 = AES-256-GCM, 2 = XChaCha20-Poly1305. */
export type Suite = 1 | 2

export const TAG_BYTES = 16
export const SALT_BYTES = 32
export const COMMITMENT_BYTES = 32
/** suite(1) ‖ salt(32) ‖ commitment(32) */
export const BOX_HEADER_BYTES = 65
/** What a box adds to its plaintext. */
export const BOX_OVERHEAD_BYTES = BOX_HEADER_BYTES + TAG_BYTES

/** Larger calls fight over page faults; 64 KiB pieces stay in cache. */
const PIECE = 64 * KiB
const KEY_BYTES = 32
const NONCE_BYTES: Readonly<Record<Suite, number>> = { 1: 12, 2: 24 }

export interface SealKey {
  /** 32 bytes; for one message. */
  readonly key: Uint8Array
  /** 12 bytes for suite 1, 24 for suite 2. */
  readonly nonce: Uint8Array
  /** 32 bytes, public. */
  readonly commitment: Uint8Array
}

export interface AeadInput {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly aad: Uint8Array
}

export function isSuite(value: number | undefined): value is Suite {
  return value === 1 || value === 2
}

/** `key ‖ nonce = HKDF(secret, salt, label)`, `commitment = HKDF(key, "", "commit")`. Wipe `key` after use. */
export function deriveSealKey(secret: Uint8Array, salt: Uint8Array, use: { label: string; suite: Suite }): SealKey {
  const bytes = hkdf(secret, { salt, info: use.label, bytes: KEY_BYTES + NONCE_BYTES[use.suite] })
  const key = bytes.subarray(0, KEY_BYTES)
  return { key, nonce: bytes.subarray(KEY_BYTES), commitment: hkdf(key, { info: 'commit', bytes: COMMITMENT_BYTES }) }
}

/** Writes ciphertext ‖ tag into `into`, which is 16 bytes longer than `plaintext` and may start at the same memory. */
export function aeadSeal(suite: Suite, message: AeadInput & { plaintext: Uint8Array; into: Uint8Array }): void {
  const { key, nonce, aad, plaintext, into } = message
  invariant(into.length === plaintext.length + TAG_BYTES, 'room for ciphertext and tag')
  if (suite === 2) {
    xchacha20poly1305(key, nonce, aad).encrypt(plaintext, into)
    return
  }
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(aad)
  for (let at = 0; at < plaintext.length; at += PIECE)
    copyInto(into, at, cipher.update(plaintext.subarray(at, at + PIECE)))
  cipher.final()
  into.set(cipher.getAuthTag(), plaintext.length)
}

/** Writes the plaintext into `into`, 16 bytes shorter than `sealed`. Throws `SECURITY_SEALED` and leaves zeros there. */
export function aeadOpen(
  suite: Suite,
  message: AeadInput & { sealed: Uint8Array; into: Uint8Array; what?: string },
): void {
  const { sealed, into } = message
  invariant(sealed.length === into.length + TAG_BYTES, 'room for the plaintext')
  try {
    if (suite === 2) xchacha20poly1305(message.key, message.nonce, message.aad).decrypt(sealed, into)
    else gcmOpen(message)
  } catch (cause) {
    wipe(into)
    throw new PlexiError('SECURITY_SEALED', { what: message.what ?? 'a sealed object' }, { cause })
  }
}

/** suite(1) ‖ salt(32) ‖ commitment(32) ‖ ciphertext ‖ tag(16); AAD = the first 65 bytes ‖ `aad`. */
export function sealBox(
  secret: Uint8Array,
  what: { label: string; plaintext: Uint8Array; aad?: Uint8Array; random: Random; suite?: Suite },
): Uint8Array {
  const suite = what.suite ?? 1
  const salt = what.random.bytes(SALT_BYTES)
  const { key, nonce, commitment } = deriveSealKey(secret, salt, { label: what.label, suite })
  try {
    const box = Buffer.allocUnsafe(BOX_OVERHEAD_BYTES + what.plaintext.length)
    box[0] = suite
    box.set(salt, 1)
    box.set(commitment, 1 + SALT_BYTES)
    const header = box.subarray(0, BOX_HEADER_BYTES)
    const aad = what.aad === undefined ? header : concat(header, what.aad)
    aeadSeal(suite, { key, nonce, aad, plaintext: what.plaintext, into: box.subarray(BOX_HEADER_BYTES) })
    return box
  } finally {
    wipe(key)
  }
}

/** Throws `SECURITY_SEALED` for another key, label, `aad` or any changed byte. */
export function openBox(
  secret: Uint8Array,
  expect: { label: string; box: Uint8Array; aad?: Uint8Array; what: string },
): Uint8Array {
  const { box } = expect
  const suite = box[0]
  if (box.length < BOX_OVERHEAD_BYTES || !isSuite(suite)) throw cannotOpen(expect.what)
  const header = box.subarray(0, BOX_HEADER_BYTES)
  const salt = box.subarray(1, 1 + SALT_BYTES)
  const { key, nonce, commitment } = deriveSealKey(secret, salt, { label: expect.label, suite })
  try {
    if (!equalSecret(commitment, header.subarray(1 + SALT_BYTES))) throw cannotOpen(expect.what, 'commitment')
    const into = Buffer.alloc(box.length - BOX_OVERHEAD_BYTES)
    const aad = expect.aad === undefined ? header : concat(header, expect.aad)
    aeadOpen(suite, { key, nonce, aad, sealed: box.subarray(BOX_HEADER_BYTES), into, what: expect.what })
    return into
  } finally {
    wipe(key)
  }
}

function gcmOpen({ key, nonce, aad, sealed, into }: AeadInput & { sealed: Uint8Array; into: Uint8Array }): void {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(into.length))
  for (let at = 0; at < into.length; at += PIECE) {
    into.set(decipher.update(sealed.subarray(at, Math.min(at + PIECE, into.length))), at)
  }
  decipher.final()
}

/** `stage` tells a wrong key (commitment) from damaged bytes. */
function cannotOpen(what: string, stage: 'form' | 'commitment' = 'form'): PlexiError {
  return new PlexiError('SECURITY_SEALED', { what, stage })
}

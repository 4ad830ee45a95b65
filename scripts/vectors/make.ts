/** The writing half of the formats, for vectors: sealing and signing with given salts and seeds instead of fresh ones. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { concat, open, utf8 } from './open.ts'

/** Reproducible bytes: SHA-256 of `label`, a zero byte and a counter of 4 bytes, as many blocks as needed. */
export function stream(label: string, length: number): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let i = 0; i * 32 < length; i++) blocks.push(open.H(utf8(`${label}\0`), u32(i)))
  return concat(...blocks).subarray(0, length)
}

export const seed = (label: string): Uint8Array => stream(label, 32)

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return Uint8Array.from(bytes)
}

export function u16(value: number): Uint8Array {
  return u32(value).subarray(2)
}

export function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return Uint8Array.from(bytes)
}

export interface BoxParts {
  readonly label: string
  readonly salt: Uint8Array
  readonly suite?: number
  readonly plaintext: Uint8Array
  readonly aad?: Uint8Array
}

/** suite(1) ‖ salt(32) ‖ commitment(32) ‖ ciphertext ‖ tag(16). */
export function box(secret: Uint8Array, { label, salt, suite = 1, plaintext, aad }: BoxParts): Uint8Array {
  const { key, nonce, commitment } = open.sealKey(secret, salt, { label, suite })
  const header = concat(Uint8Array.of(suite), salt, commitment)
  const sealed = open.aead(suite, { key, nonce, aad: concat(header, aad ?? new Uint8Array(0)) }).encrypt(plaintext)
  return concat(header, sealed)
}

export const publicKey = (secret: Uint8Array): Uint8Array => ed25519.getPublicKey(secret)

export function signature(secret: Uint8Array, domain: string, payload: Uint8Array): Uint8Array {
  return ed25519.sign(open.signedMessage(domain, payload), secret)
}

/** CBOR [payload, signature]. */
export function envelope(secret: Uint8Array, domain: string, payload: Uint8Array): Uint8Array {
  return open.encode([payload, signature(secret, domain, payload)])
}

/** A copy with `bits` flipped in the byte at `offset` (from the end when negative). */
export function flipped(bytes: Uint8Array, offset: number, bits = 1): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const at = offset < 0 ? copy.length + offset : offset
  copy[at] = (copy[at] ?? 0) ^ bits
  return copy
}

/** The vault of all vectors; its words are published, so nobody must ever use them. */
export const words =
  'legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title'
export const keys = open.deriveKeys(words)
export const vaultSeed = keyOf('sign')

/** One key of that vault by its label. */
export function keyOf(label: string): Uint8Array {
  const key = keys[label]
  if (key === undefined) throw new Error(`no key ${label}`)
  return key
}

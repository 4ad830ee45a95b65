/**
 * Byte strings: comparing, joining and writing them as text. Every integer of our formats is big-endian.
 * Nothing here copies unless its doc says so.
 */
import { timingSafeEqual } from 'node:crypto'
import { PlexiError } from './errors.ts'

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** A new buffer holding `parts` one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

/** Byte equality, not constant time: for ids and roots, which are public. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Constant-time equality for tokens, tags and commitments. Lengths are not secret. */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Order of byte strings as unsigned bytes: −1, 0 or 1. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex')
}

/** Strict: throws `VALIDATION_FORMAT` on odd length, capitals or anything that is not a hex digit. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new PlexiError('VALIDATION_FORMAT', { expected: 'hex' })
  return Buffer.from(text, 'hex')
}

export function toBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url')
}

/** Strict inverse of `toBase64Url`: throws `VALIDATION_FORMAT` unless re-encoding gives the same text. */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new PlexiError('VALIDATION_FORMAT', { expected: 'base64url' })
  return bytes
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/** A `Buffer` over the same memory, for its readers and writers. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Copies `from` to offset `at` of `into`, as `set` does. Where either is shared memory V8's `set` goes word by word, at a
 * fifth of the speed, and so does a `Buffer` that is copied whole; of a part Node makes one move. Throws as `set` does
 * where there is no room: Node would leave out the rest without a word.
 */
export function copyInto(into: Uint8Array, at: number, from: Uint8Array): void {
  if (at + from.length > into.length) throw new RangeError('no room for the copy')
  const half = from.length >> 1
  view(from).copy(into, at, 0, half)
  view(from).copy(into, at + half, half)
}

/** A new buffer with the same bytes, as fast from shared memory. */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length)
  copyInto(copy, 0, bytes)
  return copy
}

/** 4 bytes, big-endian. */
export function uint32(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Overwrites secrets in place. Best effort: copies made by the engine are out of reach. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}

/**
 * Values → canonical CBOR, see `codec.ts`. Written out here because a backup encodes every entry of every directory: a
 * general library takes several times as long. Invariant: one encoding per value; what has none throws.
 */
import type { Plain } from './codec.ts'

const UINT = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
const ARRAY = 0x80
const MAP = 0xa0
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6

/** What a head takes at most. */
const HEAD_BYTES = 9
/** Up to here a loop takes less time than a call. */
const SHORT = 32
const MAX_UINT = 2n ** 64n - 1n
const START_BYTES = 65_536

/** The output; everything in it is written anew by each call, and zeros between them, as it may have held secrets. */
let out = Buffer.alloc(START_BYTES)
let at = 0

/** Throws an `Error` that says what has no encoding. */
export function encodeCbor(value: Plain): Uint8Array {
  at = 0
  try {
    write(value)
    return new Uint8Array(out.subarray(0, at))
  } finally {
    out.fill(0, 0, at)
    if (out.length > START_BYTES) out = Buffer.alloc(START_BYTES)
  }
}

function write(value: Plain): void {
  if (value instanceof Uint8Array) writeBytes(value)
  else if (typeof value === 'string') writeText(value)
  else if (typeof value === 'number') writeNumber(value)
  else if (typeof value === 'bigint') writeBigint(value)
  else if (typeof value === 'boolean') writeByte(value ? TRUE : FALSE)
  else if (value === null) writeByte(NULL)
  else if (isArray(value)) writeArray(value)
  else writeMap(value)
}

function writeBytes(bytes: Uint8Array): void {
  writeHead(BYTES, bytes.length)
  writeRaw(bytes)
}

function writeText(text: string): void {
  if (!hasEncoding(text)) throw refusal('ill-formed text')
  const length = Buffer.byteLength(text)
  writeHead(TEXT, length)
  reserve(length)
  if (length > SHORT || length !== text.length) at += out.write(text, at)
  else for (let i = 0; i < length; i++) out[at++] = text.charCodeAt(i)
}

function writeNumber(value: number): void {
  if (!Number.isSafeInteger(value)) throw refusal('a fraction or unsafe number')
  if (value < 0) writeHead(NEGATIVE, -1 - value)
  else writeHead(UINT, value)
}

function writeBigint(value: bigint): void {
  const major = value < 0n ? NEGATIVE : UINT
  const size = value < 0n ? -1n - value : value
  if (size > MAX_UINT) throw refusal('an integer of more than 64 bits')
  if (size <= Number.MAX_SAFE_INTEGER) {
    writeHead(major, Number(size))
    return
  }
  reserve(HEAD_BYTES)
  out[at] = major + 27
  at = out.writeBigUInt64BE(size, at + 1)
}

function writeArray(items: readonly Plain[]): void {
  writeHead(ARRAY, items.length)
  for (const item of items) write(item)
}

function writeMap(map: { readonly [key: string]: Plain }): void {
  const prototype: unknown = Object.getPrototypeOf(map)
  if (prototype !== Object.prototype && prototype !== null) throw refusal('an object with a class')
  const names = Object.keys(map).sort(inOrder)
  writeHead(MAP, names.length)
  for (const name of names) {
    writeRaw(encodedKey(name))
    write(map[name] as Plain)
  }
}

/** By the bytes of their encodings: shorter ones first, as the length comes first. */
function inOrder(a: string, b: string): number {
  const [left, right] = [encodedKey(a), encodedKey(b)]
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i] as number) - (right[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Keys come again and again. */
const keys = new Map<string, Uint8Array>()
const MAX_KEYS = 1024
const MAX_KEY_LENGTH = 32

function encodedKey(key: string): Uint8Array {
  const known = keys.get(key)
  if (known !== undefined) return known
  const from = at
  writeText(key)
  const encoded = new Uint8Array(out.subarray(from, at))
  at = from
  if (keys.size < MAX_KEYS && key.length <= MAX_KEY_LENGTH) keys.set(key, encoded)
  return encoded
}

/** In the fewest bytes. `size`: 0 to 2⁵³ − 1. */
function writeHead(major: number, size: number): void {
  reserve(HEAD_BYTES)
  if (size < 24) out[at++] = major + size
  else if (size < 0x100) {
    out[at] = major + 24
    at = out.writeUInt8(size, at + 1)
  } else if (size < 0x10000) {
    out[at] = major + 25
    at = out.writeUInt16BE(size, at + 1)
  } else if (size < 0x100000000) {
    out[at] = major + 26
    at = out.writeUInt32BE(size, at + 1)
  } else {
    out[at] = major + 27
    at = out.writeUInt32BE(Math.floor(size / 0x100000000), at + 1)
    at = out.writeUInt32BE(size % 0x100000000, at)
  }
}

function writeRaw(bytes: Uint8Array): void {
  reserve(bytes.length)
  if (bytes.length > SHORT) {
    out.set(bytes, at)
    at += bytes.length
  } else for (let i = 0; i < bytes.length; i++) out[at++] = bytes[i] as number
}

function writeByte(byte: number): void {
  reserve(1)
  out[at++] = byte
}

function reserve(bytes: number): void {
  if (at + bytes <= out.length) return
  const larger = Buffer.alloc(Math.max(out.length * 2, at + bytes))
  larger.set(out.subarray(0, at))
  out.fill(0, 0, at)
  out = larger
}

/** U+FEFF in front would be dropped by the text decoder. */
function hasEncoding(text: string): boolean {
  return text.isWellFormed() && !text.startsWith('\uFEFF')
}

function isArray(value: object): value is readonly Plain[] {
  return Array.isArray(value)
}

function refusal(what: string): Error {
  return new Error(`${what} has no canonical encoding`)
}

/**
 * Canonical CBOR, the encoding of every object without a byte table. Spec: docs/spec/01-keys.md § Encoding
 *
 * A value has exactly one encoding and `decode` accepts nothing else: shortest integers and lengths, definite lengths,
 * map keys text, ordered by length then bytes, no duplicates, no floats, tags, `undefined` or trailing bytes. Hence
 * `encode(decode(x)) = x`, and a hash or signature over the bytes is one over the value.
 */
import { isUtf8 } from 'node:buffer'
import { decode as cborDecode, encode as cborEncode, Tokenizer, type Token } from 'cborg'
import * as z from 'zod'
import { PlexiError } from '../base/errors.ts'
import { peerKey, type PeerKey, type VaultId } from './ids.ts'
import { MAX_CBOR_DEPTH } from './options.ts'

/** Numbers are integers; what does not fit 53 bits is a bigint (−2⁶⁴ ≤ x < 2⁶⁴). Text is well-formed, without a leading U+FEFF. */
export type Plain =
  null | boolean | number | bigint | string | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain }

export interface DecodeLimits {
  /** What the bytes are meant to be, for error messages. */
  readonly what: string
  readonly maxBytes: number
}

/** The one encoding of `value`; throws `VALIDATION_FORMAT` for what has none (fractions, `undefined`, other objects). */
export function encode(value: Plain): Uint8Array {
  try {
    return cborEncode(value, encodeOptions)
  } catch (cause) {
    throw new PlexiError('VALIDATION_FORMAT', { expected: 'an encodable value' }, { cause })
  }
}

/** Inverse of `encode`. Throws `VALIDATION_LIMIT` over `maxBytes`, `VALIDATION_DECODE` for any other encoding. Byte strings are copies. */
export function decode(bytes: Uint8Array, limits: DecodeLimits): Plain {
  if (bytes.length > limits.maxBytes) {
    throw new PlexiError('VALIDATION_LIMIT', { what: limits.what, limit: `${String(limits.maxBytes)} bytes` })
  }
  try {
    return cborDecode(bytes, { ...decodeOptions, tokenizer: new StrictTokenizer(bytes, decodeOptions) }) as Plain
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^CBOR decode error: /, '') : 'not CBOR'
    throw new PlexiError('VALIDATION_DECODE', { what: limits.what, reason }, { cause })
  }
}

/** `decode`, then the schema; use `z.strictObject`. Throws `VALIDATION_DECODE` naming the first wrong field. */
export function decodeAs<T>(schema: z.ZodType<T>, bytes: Uint8Array, limits: DecodeLimits): T {
  return parseAs(schema, decode(bytes, limits), limits.what)
}

/** A decoded value held against a schema; throws `VALIDATION_DECODE`. */
export function parseAs<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const reason = `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'wrong'}`
  throw new PlexiError('VALIDATION_DECODE', { what, reason }, { cause: result.error })
}

/** Exactly `length` bytes. */
export function bytesOf(length: number): z.ZodType<Uint8Array> {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length, {
    error: `expected ${String(length)} bytes`,
  })
}

export function bytesUpTo(maxBytes: number): z.ZodType<Uint8Array> {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= maxBytes, {
    error: `expected at most ${String(maxBytes)} bytes`,
  })
}

/** Text of at most `maxBytes` UTF-8 bytes. */
export function textUpTo(maxBytes: number): z.ZodType<string> {
  return z.custom<string>((value) => typeof value === 'string' && Buffer.byteLength(value) <= maxBytes, {
    error: `expected text of at most ${String(maxBytes)} bytes`,
  })
}

/** Integer from 0 to `max`, 2⁵³ − 1 at most. */
export function uintUpTo(max: number): z.ZodType<number> {
  return z.int().min(0).max(max)
}

/** 0 to 2⁵³ − 1. */
export const uint: z.ZodType<number> = uintUpTo(Number.MAX_SAFE_INTEGER)

/** 0 to 2⁶⁴ − 1; small ones arrive as numbers and come out as bigint too. */
export const bigUint: z.ZodType<bigint> = wide(0n, 2n ** 64n - 1n)

/** −2⁶³ to 2⁶³ − 1, for times before 1970 too. */
export const bigInt: z.ZodType<bigint> = wide(-(2n ** 63n), 2n ** 63n - 1n)

/** A vault id of 32 bytes. */
export const vaultField = bytesOf(32) as z.ZodType<VaultId>

/** A peer id as text. */
export const peerField: z.ZodType<PeerKey> = z.custom<PeerKey>(
  (value) => {
    try {
      return typeof value === 'string' && peerKey(value) === value
    } catch {
      return false
    }
  },
  { error: 'expected an Ed25519 peer id' },
)

function wide(min: bigint, max: bigint): z.ZodType<bigint> {
  return z
    .union([z.int(), z.bigint()])
    .transform((value) => BigInt(value))
    .refine((value) => value >= min && value <= max, { error: 'out of range' })
}

function refuse(what: string): never {
  throw new Error(`${what} has no canonical encoding`)
}

/** U+FEFF in front would be dropped by the text decoder. */
const hasEncoding = (text: string): boolean => text.isWellFormed() && !text.startsWith('\uFEFF')

const encodeOptions = {
  typeEncoders: {
    undefined: () => refuse('undefined'),
    number: (value: number) => (Number.isSafeInteger(value) ? null : refuse('a fraction or unsafe number')),
    string: (value: string) => (hasEncoding(value) ? null : refuse('ill-formed text')),
    Object: (value: object) => (isPlainObject(value) ? null : refuse('an object with a class or odd key')),
    Map: () => refuse('a Map'),
  },
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.keys(value).every(hasEncoding)
}

const decodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: true,
  rejectDuplicateMapKeys: true,
}

interface Open {
  /** Items still to come; a map counts keys and values. */
  left: number
  readonly map: boolean
  /** Encoded bytes of the last key. */
  key: Uint8Array | undefined
}

/** Adds to the library's strict mode what it lets pass: key order, floats, tags, ill-formed text, depth. */
class StrictTokenizer extends Tokenizer {
  readonly #bytes: Uint8Array
  readonly #open: Open[] = []

  constructor(bytes: Uint8Array, options: typeof decodeOptions) {
    // A plain view: the library slices, and `slice` of a Buffer does not copy.
    super(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), options)
    this.#bytes = bytes
  }

  override next(): Token {
    const from = this.pos()
    const token = super.next()
    const kind = token.type.name
    if (kind === 'float' || kind === 'tag' || kind === 'undefined' || kind === 'break') {
      throw new Error(`${kind} is not allowed`)
    }
    const text = kind === 'string' ? this.#bytes.subarray(from, this.pos()) : undefined
    if (text !== undefined) checkText(text)
    this.#count(text)
    if (kind === 'array') this.#enter(Number(token.value), false)
    if (kind === 'map') this.#enter(2 * Number(token.value), true)
    return token
  }

  /** One item more: `text` when it is text, with its head. */
  #count(text: Uint8Array | undefined): void {
    while (this.#open.at(-1)?.left === 0) this.#open.pop()
    const top = this.#open.at(-1)
    if (top === undefined) return
    if (top.map && top.left % 2 === 0) {
      if (text === undefined) throw new Error('map keys must be text')
      if (top.key !== undefined && Buffer.compare(top.key, text) >= 0) throw new Error('map keys are not in order')
      top.key = text
    }
    top.left -= 1
  }

  #enter(items: number, map: boolean): void {
    if (this.#open.length >= MAX_CBOR_DEPTH) throw new Error(`nested deeper than ${String(MAX_CBOR_DEPTH)}`)
    this.#open.push({ left: items, map, key: undefined })
  }
}

function checkText(raw: Uint8Array): void {
  if (isAscii(raw)) return
  const content = raw.subarray(textStart(raw))
  const mark = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf
  if (mark || !isUtf8(content)) throw new Error('text is not well-formed')
}

/** All behind the first byte, which is of the head. */
function isAscii(raw: Uint8Array): boolean {
  for (let i = 1; i < raw.length; i++) if ((raw[i] as number) >= 0x80) return false
  return true
}

function textStart(raw: Uint8Array): number {
  const minor = (raw[0] ?? 0) & 31
  return minor < 24 ? 1 : 1 + 2 ** (minor - 24)
}

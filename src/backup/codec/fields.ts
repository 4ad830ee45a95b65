/**
 * Strict reading of decoded CBOR maps. Spec: docs/spec/04-snapshot-and-head.md § Encoding.
 * Invariant: a map has exactly the keys its type allows, every value is within its bound, and nothing is defaulted in a
 * way that would make two encodings mean the same.
 */
import { PlexiError } from '../../base/errors.ts'
import type { Plain } from '../../crypto/codec.ts'
import { peerKey, type PeerKey } from '../../crypto/ids.ts'

export class Fields {
  readonly #map: { readonly [key: string]: Plain }
  readonly #what: string
  #taken = 0

  constructor(value: Plain, what: string) {
    if (!isMap(value)) throw malformed(what, 'not a map')
    this.#map = value
    this.#what = what
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#map, key)
  }

  bytes(key: string, limits: { length: number } | { max: number }): Uint8Array {
    return asBytes(this.#take(key), `${this.#what}.${key}`, limits)
  }

  text(key: string, maxLength: number): string {
    const value = this.#take(key)
    if (typeof value !== 'string' || value.length > maxLength) throw malformed(`${this.#what}.${key}`, 'text expected')
    return value
  }

  peer(key: string): PeerKey {
    const text = this.text(key, 64)
    try {
      return peerKey(text)
    } catch (cause) {
      throw malformed(`${this.#what}.${key}`, 'peer id expected', cause)
    }
  }

  uint(key: string, max: number = Number.MAX_SAFE_INTEGER): number {
    return asUint(this.#take(key), `${this.#what}.${key}`, max)
  }

  /** The field `v`, which has to be exactly this; another throws `VALIDATION_VERSION`. */
  version(expected: number): void {
    const version = this.uint('v')
    if (version !== expected) throw new PlexiError('VALIDATION_VERSION', { what: this.#what, version })
  }

  /** A signed 64-bit integer. */
  int64(key: string): bigint {
    const value = this.#take(key)
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw malformed(`${this.#what}.${key}`, 'integer expected')
    const wide = BigInt(value)
    if (BigInt.asIntN(64, wide) !== wide) throw malformed(`${this.#what}.${key}`, 'integer out of range')
    return wide
  }

  flag(key: string): boolean {
    const value = this.#take(key)
    if (typeof value !== 'boolean') throw malformed(`${this.#what}.${key}`, 'true or false expected')
    return value
  }

  list(key: string, maxCount: number): readonly Plain[] {
    return asList(this.#take(key), `${this.#what}.${key}`, maxCount)
  }

  /** Any value, for nested shapes and `null`. */
  plain(key: string): Plain {
    return this.#take(key)
  }

  /** To be called last: refuses keys that nobody read. */
  end(): void {
    if (Object.keys(this.#map).length !== this.#taken) throw malformed(this.#what, 'unknown field')
  }

  #take(key: string): Plain {
    const value = this.has(key) ? this.#map[key] : undefined
    if (value === undefined) throw malformed(this.#what, `no ${key}`)
    this.#taken++
    return value
  }
}

export function asBytes(
  value: Plain | undefined,
  what: string,
  limits: { length: number } | { max: number },
): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed(what, 'bytes expected')
  if ('length' in limits ? value.length !== limits.length : value.length > limits.max)
    throw malformed(what, `${String(value.length)} bytes`)
  return value
}

export function asUint(value: Plain | undefined, what: string, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw malformed(what, 'unsigned integer expected')
  return value
}

export function asList(value: Plain | undefined, what: string, maxCount: number): readonly Plain[] {
  if (!Array.isArray(value)) throw malformed(what, 'list expected')
  if (value.length > maxCount) throw malformed(what, `${String(value.length)} items, at most ${String(maxCount)}`)
  return value as readonly Plain[]
}

/** A list of exactly `count` items. */
export function asTuple(value: Plain | undefined, what: string, count: number): readonly Plain[] {
  const list = asList(value, what, count)
  if (list.length !== count) throw malformed(what, `${String(count)} items expected`)
  return list
}

export function malformed(what: string, reason: string, cause?: unknown): PlexiError {
  return new PlexiError('VALIDATION_DECODE', { what, reason }, { cause })
}

function isMap(value: Plain): value is { readonly [key: string]: Plain } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/**
 * Structure-aware mutation from one seed: of values before they are encoded, of encoded bytes, and of frames. The same
 * seed gives the same cases, so a failure is repeated by its number.
 */
import { encode, type Plain } from '../../src/crypto/codec.ts'
import { encodeFrame } from '../../src/node/protocols/wire.ts'

type Map_ = { readonly [key: string]: Plain }

const INTEGERS: readonly (number | bigint)[] = [
  0,
  1,
  -1,
  63,
  64,
  255,
  65_536,
  2 ** 31,
  2 ** 32,
  2 ** 48,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  2n ** 63n,
  2n ** 64n - 1n,
]
const LENGTHS = [0, 1, 16, 31, 32, 33, 64, 255, 256, 1_024, 1_025, 3_500]
const TEXTS = [
  '',
  'put',
  'get',
  'constructor',
  '__proto__',
  'a'.repeat(300),
  '\u0000\u001b[31m',
  '💾'.repeat(40),
  '../..',
]

export class Mutator {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Integer in [0, limit). */
  below(limit: number): number {
    // mulberry32: small, fast, good enough to choose mutations.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) % limit
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.below(256)
    return bytes
  }

  /** One change somewhere in the value; the result can still be encoded. */
  value(plain: Plain): Plain {
    if (plain instanceof Uint8Array) return this.chance(80) ? this.bytes(plain) : this.other()
    if (Array.isArray(plain)) return this.chance(90) ? this.#list(plain as readonly Plain[]) : this.other()
    if (typeof plain === 'object' && plain !== null) return this.chance(95) ? this.map(plain as Map_) : this.other()
    if (typeof plain === 'number') return this.chance(70) ? this.#number(plain) : this.other()
    return this.other()
  }

  /** A field changed, dropped, added or exchanged with another one. */
  map(map: Map_): Map_ {
    const keys = Object.keys(map)
    if (keys.length === 0) return { x: this.other() }
    const key = this.pick(keys)
    const choice = this.below(10)
    if (choice === 0) return Object.fromEntries(Object.entries(map).filter(([name]) => name !== key))
    if (choice === 1) return { ...map, [this.pick(['x', 'verb2', 'ok', 'extra field', ''])]: this.other() }
    if (choice === 2) return { ...map, [key]: map[this.pick(keys)] as Plain }
    return { ...map, [key]: this.value(map[key] as Plain) }
  }

  bytes(bytes: Uint8Array): Uint8Array {
    const copy = Uint8Array.from(bytes)
    switch (this.below(6)) {
      case 0:
        return copy.subarray(0, this.below(copy.length + 1))
      case 1:
        return Buffer.concat([copy, this.randomBytes(1 + this.below(40))])
      case 2:
        return this.randomBytes(this.pick(LENGTHS))
      case 3: {
        const at = this.below(copy.length + 1)
        return Buffer.concat([copy.subarray(0, at), this.randomBytes(1 + this.below(4)), copy.subarray(at)])
      }
      default:
        for (let flips = 1 + this.below(3); flips > 0 && copy.length > 0; flips--) {
          const at = this.below(copy.length)
          copy[at] = (copy[at] as number) ^ (1 << this.below(8))
        }
        return copy
    }
  }

  /** A frame whose prefix or payload length is not what it should be. */
  frame(payload: Uint8Array): Uint8Array {
    switch (this.below(7)) {
      case 0:
        return Buffer.concat([Uint8Array.of(0x80 | this.below(128), this.below(2) * 0x80, 0), payload])
      case 1:
        return Buffer.concat([Uint8Array.of(0xff, 0xff, 0xff, 0x7f), payload])
      case 2:
        return encodeFrame(payload).subarray(0, this.below(payload.length + 2))
      case 3:
        return Buffer.concat([Uint8Array.of(0), payload])
      case 4:
        return encodeFrame(Buffer.concat([payload, new Uint8Array(4_096)]))
      case 5:
        return this.randomBytes(this.below(300))
      default:
        return Buffer.concat([Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, this.below(128)), payload])
    }
  }

  /** Any small value of any type. */
  other(depth = 0): Plain {
    switch (this.below(depth > 3 ? 5 : 8)) {
      case 0:
        return null
      case 1:
        return this.chance(50)
      case 2:
        return this.pick(INTEGERS)
      case 3:
        return this.pick(TEXTS)
      case 4:
        return this.randomBytes(this.pick(LENGTHS))
      case 5:
        return Array.from({ length: this.below(70) }, () => this.pick(INTEGERS))
      case 6:
        return { [this.pick(TEXTS)]: this.other(depth + 1) }
      default:
        return Array.from({ length: 1 + this.below(3) }, () => this.other(depth + 1))
    }
  }

  /** Bytes of `value` with one to three changes, as canonical CBOR where that is possible. */
  mutated(value: Plain): Uint8Array {
    let changed = value
    for (let changes = 1 + this.below(3); changes > 0; changes--) changed = this.value(changed)
    return encode(changed)
  }

  #list(list: readonly Plain[]): readonly Plain[] {
    const at = this.below(list.length + 1)
    switch (this.below(4)) {
      case 0:
        return [...list.slice(0, at), this.other(), ...list.slice(at)]
      case 1:
        return list.slice(0, at)
      case 2:
        return Array.from({ length: 1 + this.below(90) }, () => list[at] ?? null)
      default:
        return list.map((item, i) => (i === at ? this.value(item) : item))
    }
  }

  #number(value: number): Plain {
    const near = value + this.pick([-1, 1, 2, 1_000])
    return this.chance(50) || !Number.isSafeInteger(near) ? this.pick(INTEGERS) : near
  }
}

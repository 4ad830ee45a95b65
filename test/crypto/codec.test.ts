import t from 'tap'
import fc from 'fast-check'
import * as z from 'zod'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { isPlexiError } from '../../src/base/errors.ts'
import {
  bigInt,
  bigUint,
  bytesOf,
  bytesUpTo,
  decode,
  decodeAs,
  encode,
  textUpTo,
  uint,
  type Plain,
} from '../../src/crypto/codec.ts'

const limits = { what: 'a test', maxBytes: 1 << 20 }
const hexOf = (value: Plain): string => toHex(encode(value))

t.test('encodings of RFC 8949 appendix A that are canonical', (t) => {
  const cases: [Plain, string][] = [
    [0, '00'],
    [23, '17'],
    [24, '1818'],
    [1000, '1903e8'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [18446744073709551615n, '1bffffffffffffffff'],
    [-18446744073709551616n, '3bffffffffffffffff'],
    [-1, '20'],
    [false, 'f4'],
    [null, 'f6'],
    [Uint8Array.of(1, 2, 3, 4), '4401020304'],
    ['IETF', '6449455446'],
    ['\u6c34', '63e6b0b4'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  ]
  for (const [value, hex] of cases) {
    t.equal(hexOf(value), hex)
    t.same(decode(fromHex(hex), limits), value instanceof Uint8Array ? new Uint8Array(value) : value)
  }
  t.end()
})

t.test('map keys are ordered by length, then bytes', (t) => {
  t.equal(hexOf({ bb: 1, a: 2, c: 3 }), 'a361610261630362626201')
  t.end()
})

t.test('every other encoding is refused', (t) => {
  const cases: Record<string, string> = {
    'trailing byte': '0000',
    empty: '',
    'long integer': '1817',
    'long length': '5803010203',
    'indefinite array': '9f01ff',
    'indefinite map': 'bf616101ff',
    'indefinite text': '7f6161ff',
    float16: 'f93c00',
    float32: 'fa47c35000',
    float64: 'fb3ff199999999999a',
    NaN: 'f97e00',
    undefined: 'f7',
    'simple value': 'f0',
    tag: 'c11a514b67b0',
    CID: 'd82a4100',
    'duplicate key': 'a2616101616102',
    'keys out of order': 'a2616201616102',
    'longer key first': 'a262616101616202',
    'integer key': 'a10101',
    'truncated array': '8201',
    'truncated bytes': '4401',
    'ill-formed text': '61ff',
    'ill-formed long text': `7818${'61'.repeat(23)}ff`,
    'surrogate in text': '63eda080',
    'byte order mark': '63efbbbf',
    break: 'ff',
    'huge array': '9b0000ffffffffffff01',
    'huge bytes': '5b0000ffffffffffff01',
    deep: '81'.repeat(30_000) + '00',
  }
  for (const [name, hex] of Object.entries(cases)) {
    t.throws(() => decode(fromHex(hex), limits), { code: 'VALIDATION_DECODE' }, name)
  }
  t.throws(() => decode(new Uint8Array(9), { what: 'x', maxBytes: 8 }), { code: 'VALIDATION_LIMIT' })
  t.end()
})

t.test('values without an encoding are refused', (t) => {
  const bad: unknown[] = [
    1.5,
    NaN,
    Infinity,
    2 ** 60,
    undefined,
    { a: undefined },
    new Map(),
    new Date(),
    '\ud800',
    '\ufeffx',
    2n ** 64n,
    () => 0,
    Symbol('x'),
  ]
  for (const value of bad) t.throws(() => encode(value as Plain), { code: 'VALIDATION_FORMAT' }, String(value))
  t.end()
})

t.test('a text that must fall back to the text decoder keeps its value', (t) => {
  for (const text of ['ä'.repeat(40), 'x'.repeat(300), '\ufffd', 'a\ufeffb', '', '𝒳'.repeat(70_000)]) {
    t.equal(decode(encode([text, { [text]: 1 }]), limits) instanceof Array, true)
    t.equal((decode(encode([text]), limits) as string[])[0], text)
  }
  t.end()
})

t.test('decoded byte strings are copies', (t) => {
  const bytes = Buffer.from(encode([Uint8Array.of(7, 7)]))
  const [out] = decode(bytes, limits) as [Uint8Array]
  bytes.fill(0)
  t.same(out, Uint8Array.of(7, 7))
  t.end()
})

t.test('a map may use any key, __proto__ too', (t) => {
  const bytes = fromHex('a1695f5f70726f746f5f5f01')
  const value = decode(bytes, limits) as Record<string, Plain>
  t.same(Object.keys(value), ['__proto__'])
  t.same(encode(value), bytes)
  t.end()
})

const plain = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) }),
    fc.string({ unit: 'binary' }).filter((text) => !text.startsWith('\ufeff')),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(
      fc.string({ unit: 'binary' }).filter((text) => !text.startsWith('\ufeff')),
      tie('value'),
      { maxKeys: 30 },
    ),
  ),
})).value

t.test('property: decode(encode(x)) = x', (t) => {
  fc.assert(
    fc.property(plain, (value) => t.same(decode(encode(value), limits), value)),
    { numRuns: 300 },
  )
  t.end()
})

t.test('property: whatever decodes, encodes to the same bytes', (t) => {
  const flipped = fc.tuple(plain, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, xor]) => {
    const bytes = Uint8Array.from(encode(value))
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ xor
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      try {
        return Buffer.compare(encode(decode(bytes, limits)), bytes) === 0
      } catch (error) {
        return isPlexiError(error, 'VALIDATION_DECODE')
      }
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('schemas', (t) => {
  const schema = z.strictObject({
    id: bytesOf(2),
    n: uint,
    big: bigUint,
    time: bigInt,
    name: textUpTo(4),
    rest: bytesUpTo(1),
  })
  const good = { id: Uint8Array.of(1, 2), n: 5, big: 7, time: -5, name: 'äß', rest: new Uint8Array(0) }
  t.same(decodeAs(schema, encode(good), limits), { ...good, big: 7n, time: -5n })
  t.equal(decodeAs(bigUint, encode(2n ** 64n - 1n), limits), 2n ** 64n - 1n)
  const bad: Plain[] = [
    { ...good, more: 1 },
    { ...good, id: Uint8Array.of(1) },
    { ...good, n: -1 },
    { ...good, n: 2n ** 60n },
    { ...good, big: -1 },
    { ...good, time: 2n ** 63n },
    { ...good, name: 'äßx' },
    { ...good, rest: Uint8Array.of(1, 2) },
    { id: good.id },
    [],
    null,
  ]
  for (const value of bad) t.throws(() => decodeAs(schema, encode(value), limits), { code: 'VALIDATION_DECODE' })
  t.match(
    t.throws(() => decodeAs(schema, encode({ ...good, n: -1 }), limits)),
    { details: { reason: /^n: / } },
  )
  t.end()
})

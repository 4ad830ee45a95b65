import { createHmac } from 'node:crypto'
import t from 'tap'
import fc from 'fast-check'
import { gcm } from '@noble/ciphers/aes.js'
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { systemRandom } from '../../src/daemon/system/random.ts'
import { hkdf, hmac, sha256 } from '../../src/crypto/hash.ts'
import {
  aeadOpen,
  aeadSeal,
  BOX_OVERHEAD_BYTES,
  deriveSealKey,
  openBox,
  sealBox,
  type Suite,
} from '../../src/crypto/seal.ts'

const suites: readonly Suite[] = [1, 2]
const secret = Buffer.alloc(32, 9)
const random32 = (): Uint8Array => systemRandom.bytes(32)

t.test('hashes agree with noble', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 80 }), (data, key) => {
      t.same(sha256(data), Buffer.from(nobleSha256(data)))
      t.same(sha256(key, data), Buffer.from(nobleSha256(Buffer.concat([key, data]))))
      t.same(hmac(key, data), createHmac('sha256', key).update(data).digest())
      t.same(hkdf(data, { salt: key, info: 'x', bytes: 96 }), nobleHkdf(nobleSha256, data, key, utf8('x'), 96))
      t.same(hkdf(data, { info: key, bytes: 5 }), nobleHkdf(nobleSha256, data, undefined, key, 5))
    }),
    { numRuns: 40 },
  )
  t.end()
})

t.test('HKDF: RFC 5869 test case 1', (t) => {
  const out = hkdf(Buffer.alloc(22, 0x0b), {
    salt: Buffer.from('000102030405060708090a0b0c', 'hex'),
    info: Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'),
    bytes: 42,
  })
  t.equal(
    Buffer.from(out).toString('hex'),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  )
  t.end()
})

t.test('key, nonce and commitment follow the specification', (t) => {
  const salt = Buffer.alloc(32, 3)
  for (const suite of suites) {
    const nonceBytes = suite === 1 ? 12 : 24
    const derived = deriveSealKey(secret, salt, { label: 'shard', suite })
    const both = nobleHkdf(nobleSha256, secret, salt, utf8('shard'), 32 + nonceBytes)
    t.same(Buffer.from(derived.key), Buffer.from(both.subarray(0, 32)))
    t.same(Buffer.from(derived.nonce), Buffer.from(both.subarray(32)))
    t.same(derived.commitment, nobleHkdf(nobleSha256, derived.key, undefined, utf8('commit'), 32))
  }
  t.end()
})

t.test('AES-256-GCM in pieces equals noble in one', (t) => {
  const { key, nonce } = deriveSealKey(secret, Buffer.alloc(32), { label: 'x', suite: 1 })
  const aad = utf8('bound')
  for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const plaintext = Buffer.alloc(length, length & 0xff)
    const into = Buffer.alloc(length + 16)
    aeadSeal(1, { key, nonce, aad, plaintext, into })
    t.ok(into.equals(gcm(key, nonce, aad).encrypt(plaintext)), `${String(length)} bytes`)
  }
  t.end()
})

t.test('XChaCha20-Poly1305: draft-irtf-cfrg-xchacha § A.3.1', (t) => {
  const counted = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => from + i)
  const text =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
  const into = Buffer.alloc(text.length + 16)
  const aad = fromHex('50515253c0c1c2c3c4c5c6c7')
  aeadSeal(2, { key: counted(0x80, 32), nonce: counted(0x40, 24), aad, plaintext: utf8(text), into })
  t.equal(toHex(into.subarray(0, 16)), 'bd6d179d3e83d43b9576579493c0e939')
  t.equal(toHex(into.subarray(text.length)), 'c0875924c1c7987947deafd8780acf49')
  t.end()
})

t.test('sealing in place', (t) => {
  for (const suite of suites) {
    const { key, nonce } = deriveSealKey(secret, Buffer.alloc(32), { label: 'x', suite })
    const apart = Buffer.alloc(150_016)
    const plaintext = Buffer.alloc(150_000, 5)
    aeadSeal(suite, { key, nonce, aad: utf8('a'), plaintext, into: apart })
    const slab = Buffer.alloc(150_016, 5)
    aeadSeal(suite, { key, nonce, aad: utf8('a'), plaintext: slab.subarray(0, 150_000), into: slab })
    t.ok(slab.equals(apart))
    aeadOpen(suite, { key, nonce, aad: utf8('a'), sealed: slab, into: slab.subarray(0, 150_000) })
    t.ok(slab.subarray(0, 150_000).equals(plaintext))
  }
  t.end()
})

t.test('a failed open leaves no plaintext behind', (t) => {
  for (const suite of suites) {
    const { key, nonce } = deriveSealKey(secret, Buffer.alloc(32), { label: 'x', suite })
    const aad = utf8('a')
    const sealed = Buffer.alloc(100_016)
    aeadSeal(suite, { key, nonce, aad, plaintext: Buffer.alloc(100_000, 7), into: sealed })
    sealed[99_000] = (sealed[99_000] ?? 0) ^ 1
    const into = Buffer.alloc(100_000, 1)
    t.throws(
      () => {
        aeadOpen(suite, { key, nonce, aad, sealed, into })
      },
      { code: 'SECURITY_SEALED' },
    )
    t.ok(into.every((byte) => byte === 0))
  }
  t.end()
})

t.test('property: boxes open to what was sealed, under their own key, label and aad only', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...suites),
      (plaintext, aad, suite) => {
        const box = sealBox(secret, { label: 'a', plaintext, aad, random: systemRandom, suite })
        t.equal(box.length, plaintext.length + BOX_OVERHEAD_BYTES)
        t.same(openBox(secret, { label: 'a', box, aad, what: 'x' }), Buffer.from(plaintext))
        const refused = { code: 'SECURITY_SEALED' }
        t.throws(() => openBox(Buffer.alloc(32, 8), { label: 'a', box, aad, what: 'x' }), refused)
        t.throws(() => openBox(secret, { label: 'b', box, aad, what: 'x' }), refused)
        t.throws(
          () => openBox(secret, { label: 'a', box, aad: Buffer.concat([aad, aad, Buffer.of(1)]), what: 'x' }),
          refused,
        )
        t.throws(() => openBox(secret, { label: 'a', box: box.subarray(0, box.length - 1), aad, what: 'x' }), refused)
      },
    ),
    { numRuns: 60 },
  )
  t.end()
})

t.test('every flipped bit of a box is noticed', (t) => {
  for (const suite of suites) {
    const box = sealBox(secret, { label: 'a', plaintext: utf8('secret'), random: systemRandom, suite })
    for (let bit = 0; bit < box.length * 8; bit++) {
      const bad = Buffer.from(box)
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      t.throws(() => openBox(secret, { label: 'a', box: bad, what: 'x' }), { code: 'SECURITY_SEALED' })
    }
  }
  t.end()
})

t.test('a box that names another key is refused even where its tag is right', (t) => {
  for (const suite of suites) {
    const salt = random32()
    const { key, nonce } = deriveSealKey(secret, salt, { label: 'a', suite })
    const foreign = deriveSealKey(Buffer.alloc(32, 8), salt, { label: 'a', suite }).commitment
    const header = Buffer.concat([Buffer.of(suite), salt, foreign])
    const sealed = Buffer.alloc(16 + 6)
    aeadSeal(suite, { key, nonce, aad: header, plaintext: utf8('secret'), into: sealed })
    const box = Buffer.concat([header, sealed])
    t.throws(() => openBox(secret, { label: 'a', box, what: 'x' }), {
      code: 'SECURITY_SEALED',
      details: { stage: 'commitment' },
    })
  }
  t.end()
})

t.test('two seals of one plaintext share nothing', (t) => {
  const one = sealBox(secret, { label: 'a', plaintext: utf8('same'), random: systemRandom })
  const two = sealBox(secret, { label: 'a', plaintext: utf8('same'), random: systemRandom })
  t.notSame(one.subarray(1, 33), two.subarray(1, 33))
  t.notSame(one.subarray(33, 65), two.subarray(33, 65))
  t.notSame(one.subarray(65), two.subarray(65))
  t.end()
})

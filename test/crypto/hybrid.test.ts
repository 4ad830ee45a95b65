import t from 'tap'
import fc from 'fast-check'
import { shake256 } from '@noble/hashes/sha3.js'
import { ml_kem768_x25519 as xwing } from '@noble/post-quantum/hybrid.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import {
  exchange,
  exchangePublicKey,
  HYBRID_HEADER_BYTES,
  HYBRID_PUBLIC_BYTES,
  hybridOpen,
  hybridPublicKey,
  hybridWrap,
  xwingDecapsulate,
  xwingEncapsulate,
  type HybridSecret,
} from '../../src/crypto/hybrid.ts'
import { sealBox } from '../../src/crypto/seal.ts'
import { flipBit, random } from './fixtures.ts'

/** X-Wing expands one seed to both secrets; ours are that expansion's output. */
const secretOf = (seed: Uint8Array): HybridSecret => shake256(seed, { dkLen: 96 }) as HybridSecret
const seed32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

t.test('public keys equal the independent X-Wing and ML-KEM', (t) => {
  fc.assert(
    fc.property(seed32, (seed) => {
      const publicKey = hybridPublicKey(secretOf(seed))
      t.equal(publicKey.length, HYBRID_PUBLIC_BYTES)
      t.equal(toHex(publicKey), toHex(xwing.keygen(seed).publicKey))
      t.equal(toHex(publicKey.subarray(0, 1184)), toHex(ml_kem768.keygen(secretOf(seed).subarray(0, 64)).publicKey))
    }),
    { numRuns: 10 },
  )
  t.end()
})

t.test('what one encapsulates the other opens, both ways', (t) => {
  fc.assert(
    fc.property(seed32, (seed) => {
      const theirs = xwing.keygen(seed)
      const ours = xwingEncapsulate(theirs.publicKey, random)
      t.equal(toHex(xwing.decapsulate(ours.ciphertext, theirs.secretKey)), toHex(ours.shared))
      const { cipherText, sharedSecret } = xwing.encapsulate(theirs.publicKey)
      t.equal(toHex(xwingDecapsulate(secretOf(seed), cipherText)), toHex(sharedSecret))
    }),
    { numRuns: 10 },
  )
  t.end()
})

t.test('a wrap made by the other implementation opens', (t) => {
  const seed = Buffer.alloc(32, 42)
  const { cipherText, sharedSecret } = xwing.encapsulate(xwing.keygen(seed).publicKey)
  const header = concat(Uint8Array.of(1), cipherText)
  const box = sealBox(sharedSecret, {
    label: 'hybrid',
    plaintext: utf8('key'),
    aad: concat(header, utf8('here')),
    random,
  })
  t.same(hybridOpen(secretOf(seed), concat(header, box), { aad: utf8('here') }), utf8('key'))
  t.end()
})

t.test('a wrap opens for its secret and place only, and notices every changed part', (t) => {
  const secret = secretOf(Buffer.alloc(32, 1))
  const aad = utf8('place')
  const refused = { code: 'SECURITY_SEALED' }
  const box = hybridWrap(hybridPublicKey(secret), utf8('epoch key'), { random, aad })
  t.equal(box.length, HYBRID_HEADER_BYTES + 81 + 9)
  t.same(hybridOpen(secret, box, { aad }), utf8('epoch key'))
  t.throws(() => hybridOpen(secretOf(Buffer.alloc(32, 2)), box, { aad }), refused)
  t.throws(() => hybridOpen(secret, box, { aad: utf8('elsewhere') }), refused)
  t.throws(() => hybridOpen(secret, box), refused)
  t.throws(() => hybridOpen(secret, box.subarray(0, 1120), { aad }), refused)
  t.throws(() => hybridOpen(secret, box.subarray(0, box.length - 1), { aad }), refused)
  for (let bit = 0; bit < box.length * 8; bit += 37)
    t.throws(() => hybridOpen(secret, flipBit(box, bit), { aad }), refused)
  t.end()
})

t.test('an unknown kind fails closed, however well it is sealed', (t) => {
  const seed = Buffer.alloc(32, 42)
  const { cipherText, sharedSecret } = xwing.encapsulate(xwing.keygen(seed).publicKey)
  for (const kind of [0, 2, 255]) {
    const header = concat(Uint8Array.of(kind), cipherText)
    const box = sealBox(sharedSecret, { label: 'hybrid', plaintext: utf8('key'), aad: header, random })
    t.throws(() => hybridOpen(secretOf(seed), concat(header, box)), { code: 'SECURITY_SEALED' })
  }
  t.end()
})

t.test('both halves are needed', (t) => {
  const [one, two] = [secretOf(Buffer.alloc(32, 1)), secretOf(Buffer.alloc(32, 2))]
  const box = hybridWrap(hybridPublicKey(one), utf8('x'), { random })
  const kemOnly = concat(one.subarray(0, 64), two.subarray(64)) as HybridSecret
  const dhOnly = concat(two.subarray(0, 64), one.subarray(64)) as HybridSecret
  for (const secret of [kemOnly, dhOnly]) t.throws(() => hybridOpen(secret, box), { code: 'SECURITY_SEALED' })
  t.end()
})

t.test('points of small order and keys of the wrong form are refused', (t) => {
  const secret = random.bytes(32)
  const orderEight = Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex')
  for (const point of [Buffer.alloc(32), Buffer.alloc(32, 0).fill(1, 0, 1), orderEight, Buffer.alloc(31)]) {
    t.throws(() => exchange(secret, point), { code: 'SECURITY_SEALED' })
    t.throws(
      () => hybridWrap(concat(hybridPublicKey(secretOf(secret)).subarray(0, 1184), point), utf8('x'), { random }),
      { code: 'VALIDATION_FORMAT' },
    )
  }
  t.throws(() => hybridWrap(new Uint8Array(10), utf8('x'), { random }), { code: 'VALIDATION_FORMAT' })
  t.throws(() => hybridWrap(Buffer.alloc(1216, 0xff), utf8('x'), { random }), { code: 'VALIDATION_FORMAT' })
  t.end()
})

t.test('X25519: RFC 7748 § 6.1', (t) => {
  const alice = fromHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
  const bob = fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
  const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
  t.equal(toHex(exchangePublicKey(alice)), '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
  t.equal(toHex(exchangePublicKey(bob)), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
  t.equal(toHex(exchange(alice, exchangePublicKey(bob))), shared)
  t.equal(toHex(exchange(bob, exchangePublicKey(alice))), shared)
  t.end()
})

import t from 'tap'
import fc from 'fast-check'
import { ed25519 } from '@noble/curves/ed25519.js'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { decode, encode } from '../../src/crypto/codec.ts'
import {
  ENVELOPE_BYTES,
  envelopePayload,
  openEnvelope,
  signDomains,
  signEnvelope,
  signingKey,
  verifySignature,
  type SignDomain,
} from '../../src/crypto/signature.ts'

const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
const key = signingKey(seed)
const domains = Object.keys(signDomains) as SignDomain[]
const limits = { what: 'a test', maxBytes: 4096 }

t.test('the public key is that of RFC 8032 test 1', (t) => {
  t.equal(toHex(key.publicKey), 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  t.end()
})

t.test('a signature is Ed25519 over domain, zero byte, payload', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(...domains), (payload, domain) => {
      const message = Buffer.concat([utf8(`plexichat/v1/${domain}`), Buffer.of(0), payload])
      const signature = key.sign(domain, payload)
      t.same(signature, Buffer.from(ed25519.sign(message, seed)))
      t.ok(verifySignature(key.publicKey, { domain, payload, signature }))
    }),
    { numRuns: 15 },
  )
  t.end()
})

t.test('a signature of one domain is none of another', (t) => {
  const payload = utf8('payload')
  for (const domain of domains) {
    const signature = key.sign(domain, payload)
    for (const other of domains)
      t.equal(verifySignature(key.publicKey, { domain: other, payload, signature }), other === domain)
  }
  t.end()
})

t.test('malformed keys and signatures are false, not errors', (t) => {
  const payload = utf8('x')
  const signature = key.sign('terms', payload)
  for (const publicKey of [new Uint8Array(0), new Uint8Array(31), Buffer.alloc(32, 0xff), new Uint8Array(33)]) {
    t.notOk(verifySignature(publicKey, { domain: 'terms', payload, signature }))
  }
  for (const wrong of [
    new Uint8Array(0),
    new Uint8Array(64),
    signature.subarray(1),
    Buffer.concat([signature, signature]),
  ]) {
    t.notOk(verifySignature(key.publicKey, { domain: 'terms', payload, signature: wrong }))
  }
  t.end()
})

t.test('envelopes carry the signed bytes as they are', (t) => {
  const payload = utf8('the payload')
  const envelope = signEnvelope(key, 'terms', payload)
  const expect = { ...limits, publicKey: key.publicKey, domain: 'terms' } as const
  t.ok(envelope.length <= payload.length + ENVELOPE_BYTES)
  t.same(Buffer.from(openEnvelope(envelope, expect)), payload)
  t.same(Buffer.from(envelopePayload(envelope, limits)), payload)
  t.throws(() => openEnvelope(envelope, { ...expect, domain: 'receipt' }), { code: 'SECURITY_SIGNATURE' })
  t.throws(() => openEnvelope(envelope, { ...expect, publicKey: signingKey(Buffer.alloc(32, 1)).publicKey }), {
    code: 'SECURITY_SIGNATURE',
  })
  t.throws(() => openEnvelope(envelope, { ...expect, maxBytes: envelope.length - 1 }), { code: 'VALIDATION_LIMIT' })
  t.throws(() => openEnvelope(encode([payload]), expect), { code: 'VALIDATION_DECODE' })
  t.throws(() => openEnvelope(encode([payload, key.sign('terms', payload), 1]), expect), { code: 'VALIDATION_DECODE' })
  t.throws(() => openEnvelope(encode(['text', key.sign('terms', payload)]), expect), { code: 'VALIDATION_DECODE' })
  t.same(decode(envelope, limits), [new Uint8Array(payload), new Uint8Array(key.sign('terms', payload))])
  t.end()
})

t.test('every flipped bit of an envelope is noticed', (t) => {
  const envelope = signEnvelope(key, 'terms', utf8('the payload'))
  for (let bit = 0; bit < envelope.length * 8; bit++) {
    const bad = Buffer.from(envelope)
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.throws(() => openEnvelope(bad, { ...limits, publicKey: key.publicKey, domain: 'terms' }), { name: 'PlexiError' })
  }
  t.end()
})

import t from 'tap'
import fc from 'fast-check'
import {
  allGrants,
  checkCertificate,
  issueCertificate,
  newSerial,
  openCertificate,
} from '../../src/crypto/certificate.ts'
import { encode } from '../../src/crypto/codec.ts'
import { peerKeyOf } from '../../src/crypto/ids.ts'
import { signEnvelope } from '../../src/crypto/signature.ts'
import { device, flipBit, now, otherWords, random, vault } from './fixtures.ts'

const secrets = vault()
const one = device(secrets, 'laptop')
const { v, ...content } = one.content
const none: ReadonlySet<number> = new Set()

t.test('a certificate says what was issued', (t) => {
  t.same(openCertificate(one.certificate), one.content)
  t.same(one.content.vault, secrets.vault)
  t.ok(one.certificate.length <= 1024)
  t.end()
})

t.test('property: any device, any grants, in any order, come out in canonical form', (t) => {
  const someGrants = fc.shuffledSubarray([...allGrants], { minLength: 1 })
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(someGrants, key, key, fc.integer({ min: 1, max: 2 ** 48 - 1 }), (grants, peerPublic, dh, serial) => {
      const peer = peerKeyOf(peerPublic)
      const bytes = issueCertificate(secrets.sign, { peer, dh, grants: [...grants, ...grants], serial, notAfter: now })
      const expected = { v, vault: secrets.vault, peer, dh, serial, notAfter: now }
      t.same(openCertificate(bytes), { ...expected, grants: allGrants.filter((grant) => grants.includes(grant)) })
    }),
    { numRuns: 20 },
  )
  t.end()
})

t.test('checks: peer, time, revocation, grant', (t) => {
  const use = { peer: one.content.peer, now, revoked: none }
  for (const grant of ['store', 'fetch', 'head'] as const) checkCertificate(one.content, { ...use, grant })
  checkCertificate(one.content, { ...use, now: one.content.notAfter })
  const other = device(secrets, 'other').content.peer
  t.throws(
    () => {
      checkCertificate(one.content, { ...use, peer: other })
    },
    { code: 'AUTH_CERTIFICATE' },
  )
  t.throws(
    () => {
      checkCertificate(one.content, { ...use, now: one.content.notAfter + 1 })
    },
    { code: 'AUTH_CERTIFICATE' },
  )
  t.throws(
    () => {
      checkCertificate(one.content, { ...use, revoked: new Set([one.content.serial]) })
    },
    { code: 'AUTH_REVOKED' },
  )
  t.throws(
    () => {
      checkCertificate(one.content, { ...use, grant: 'release' })
    },
    { code: 'AUTH_GRANT_MISSING' },
  )
  t.end()
})

t.test('every flipped bit is noticed', (t) => {
  for (let bit = 0; bit < one.certificate.length * 8; bit += 3) {
    t.throws(() => openCertificate(flipBit(one.certificate, bit)), { code: 'AUTH_CERTIFICATE' })
  }
  t.end()
})

t.test('nobody else signs for a vault', (t) => {
  const thief = vault(otherWords)
  const payload = encode({ ...content, v: 1, grants: [...content.grants] })
  t.throws(() => openCertificate(signEnvelope(thief.sign, 'certificate', payload)), { code: 'AUTH_CERTIFICATE' })
  t.throws(() => openCertificate(signEnvelope(secrets.sign, 'terms', payload)), { code: 'AUTH_CERTIFICATE' })
  t.same(openCertificate(signEnvelope(secrets.sign, 'certificate', payload)), one.content)
  t.end()
})

t.test('signed, but not of the form', (t) => {
  const good = { ...content, v: 1, grants: [...content.grants] }
  const bad: object[] = [
    { ...good, v: 2 },
    { ...good, more: 1 },
    { ...good, grants: [] },
    { ...good, grants: ['fetch', 'store'] },
    { ...good, grants: ['store', 'store'] },
    { ...good, grants: ['root'] },
    { ...good, serial: 0 },
    { ...good, serial: 2 ** 48 },
    { ...good, dh: new Uint8Array(31) },
    { ...good, peer: 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N' },
    { ...good, peer: `${good.peer}1` },
    { ...good, notAfter: -1 },
  ]
  for (const fields of bad) {
    const bytes = signEnvelope(secrets.sign, 'certificate', encode(fields as never))
    t.throws(() => openCertificate(bytes), { code: 'AUTH_CERTIFICATE' })
  }
  t.throws(() => openCertificate(new Uint8Array(1025)), { code: 'AUTH_CERTIFICATE' })
  t.throws(() => issueCertificate(secrets.sign, { ...content, grants: [] }), { code: 'VALIDATION_DECODE' })
  t.end()
})

t.test('serials are never 0', (t) => {
  t.equal(newSerial({ bytes: () => new Uint8Array(0), below: () => 0 }), 1)
  t.equal(newSerial({ bytes: () => new Uint8Array(0), below: (n) => n - 1 }), 2 ** 48 - 1)
  t.not(newSerial(random), newSerial(random))
  t.end()
})

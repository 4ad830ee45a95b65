import t from 'tap'
import fc from 'fast-check'
import { deviceCodeId, deviceProof, openWelcome, sealWelcome } from '../../src/crypto/device-code.ts'
import { exchangePublicKey } from '../../src/crypto/hybrid.ts'
import { device, flipBit, random, vault } from './fixtures.ts'

const secrets = vault()
const host = device(secrets, 'laptop').content.peer
const nas = device(secrets, 'nas', ['store', 'head'])
const secret = random.bytes(16)
const ask = { host, peer: nas.content.peer, dh: exchangePublicKey(nas.dhSecret), name: 'nas' }
const parties = { secret, vault: secrets.vault, ask }
const { history: _history, ...shared } = secrets.shared
const welcome = { name: 'NAS', certificate: nas.certificate, shared, kemPublic: secrets.kemPublic }

t.test('the new device opens what was sealed to it', async (t) => {
  const sealed = sealWelcome(welcome, parties, random)
  t.same(openWelcome(sealed, { ...parties, dhSecret: nas.dhSecret }), welcome)
  t.ok(sealed.length < 4096)
  const whole = { ...welcome, shared: secrets.shared }
  t.same(openWelcome(sealWelcome(whole, parties, random), { ...parties, dhSecret: nas.dhSecret }), whole)
})

t.test('and nobody else, nor for another request', async (t) => {
  const sealed = sealWelcome(welcome, parties, random)
  const open = (change: object, bytes = sealed) => openWelcome(bytes, { ...parties, dhSecret: nas.dhSecret, ...change })
  const others = [
    { secret: random.bytes(16) },
    { dhSecret: random.bytes(32) },
    { vault: random.bytes(32) },
    { ask: { ...ask, host: nas.content.peer } },
    { ask: { ...ask, peer: host } },
    { ask: { ...ask, name: 'NAS' } },
  ]
  for (const other of others) t.throws(() => open(other), { code: 'SECURITY_SEALED' })
  t.throws(() => open({}, sealed.subarray(0, 20)), { code: 'SECURITY_SEALED' })
  t.throws(() => open({}, new Uint8Array(4097)), { code: 'VALIDATION_LIMIT' })
  // The top bit of an X25519 key is not part of it; the AAD covers it all the same.
  fc.assert(
    fc.property(fc.nat({ max: sealed.length * 8 - 1 }), (bit) => {
      t.throws(() => open({}, flipBit(sealed, bit)), { code: 'SECURITY_SEALED' })
    }),
    { numRuns: 100 },
  )
})

t.test('a proof is for one request with one code', async (t) => {
  const proof = deviceProof(secret, ask)
  t.same(deviceProof(secret, { ...ask }), proof)
  const others = [
    deviceProof(flipBit(secret, 3), ask),
    deviceProof(secret, { ...ask, host: nas.content.peer }),
    deviceProof(secret, { ...ask, peer: host }),
    deviceProof(secret, { ...ask, dh: random.bytes(32) }),
    deviceProof(secret, { ...ask, name: '' }),
  ]
  for (const other of others) t.notSame(other, proof)
  t.equal(proof.length, 32)
  t.same(deviceCodeId(secret), deviceCodeId(Uint8Array.from(secret)))
  t.notSame(deviceCodeId(secret), deviceCodeId(random.bytes(16)))
})

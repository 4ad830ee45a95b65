import t from 'tap'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { encode } from '../../src/crypto/codec.ts'
import { peerKeyOf, vaultId } from '../../src/crypto/ids.ts'
import { openBox, sealBox } from '../../src/crypto/seal.ts'
import { signEnvelope, signingKey } from '../../src/crypto/signature.ts'
import {
  MAX_HEAD_BODY_BYTES,
  MAX_HEAD_BYTES,
  openHead,
  openNotice,
  sealedHashOf,
  sealHead,
  signNotice,
  type HeadNotice,
} from '../../src/shard/index.ts'
import { epoch, epochKey, noise, random } from './samples.ts'

const device = signingKey(noise(32, 1))
const other = signingKey(noise(32, 2))
const notice: HeadNotice = {
  v: 1,
  vault: vaultId(noise(32, 3)),
  device: peerKeyOf(device.publicKey),
  seq: 7,
  prev: noise(32, 4),
  sealedHash: noise(32, 5),
  serial: 2 ** 48 - 1,
}

t.test('a body of any length comes back, padded to steps of 4 KiB', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(MAX_HEAD_BODY_BYTES), fc.constantFrom(0, 4003, 4004, MAX_HEAD_BODY_BYTES)),
      (length) => {
        const body = noise(length, length)
        const sealed = sealHead(epoch, body, random('head'))
        const fits = sealed.length % 4096 === 0 && sealed.length - length >= 93 && sealed.length - length < 93 + 4096
        return fits && Buffer.from(openHead(sealed, epochKey)).equals(body)
      },
    ),
    { numRuns: 30 },
  )
  t.equal(sealHead(epoch, new Uint8Array(4003), random('a')).length, 4096)
  t.equal(sealHead(epoch, new Uint8Array(4004), random('a')).length, 8192)
  t.equal(sealHead(epoch, new Uint8Array(MAX_HEAD_BODY_BYTES), random('a')).length, MAX_HEAD_BYTES)
  const tooLong = new Uint8Array(MAX_HEAD_BODY_BYTES + 1)
  t.throws(() => sealHead(epoch, tooLong, random('a')), { code: 'VALIDATION_LIMIT' })
})

t.test('the sealed bytes are what the byte table says', async (t) => {
  const sealed = Buffer.from(sealHead(epoch, Buffer.from('body'), random('table')))
  t.equal(sealed.subarray(0, 9).toString('hex'), Buffer.from('PXH1').toString('hex') + '00000003' + '01')
  const plain = openBox(epoch.key, { label: 'head', box: sealed.subarray(8), aad: sealed.subarray(0, 8), what: 'head' })
  t.equal(Buffer.from(plain).toString('latin1', 0, 9), '\0\0\0\x04body\0')
  t.same(Buffer.from(sealedHashOf(sealed)), createHash('sha256').update(sealed).digest())
})

t.test('any flipped byte, cut or foreign key is noticed', async (t) => {
  const sealed = sealHead(epoch, noise(300, 6), random('flip'))
  for (let at = 0; at < sealed.length; at += at < 80 ? 1 : 401) {
    const copy = Buffer.from(sealed)
    copy[at]! ^= 1
    const code = at < 4 ? 'VALIDATION_DECODE' : 'SECURITY_SEALED'
    t.throws(() => openHead(copy, epochKey), { code }, `byte ${String(at)}`)
  }
  for (const length of [0, 1, 4095, 4097]) {
    t.throws(() => openHead(Buffer.concat([sealed, sealed]).subarray(0, length), epochKey), {
      code: 'VALIDATION_DECODE',
    })
  }
  t.throws(() => openHead(new Uint8Array(MAX_HEAD_BYTES + 4096), epochKey), { code: 'VALIDATION_DECODE' })
  t.throws(() => openHead(sealed, () => undefined), { code: 'SECURITY_SEALED' })
  t.throws(() => openHead(sealed, () => new Uint8Array(32)), { code: 'SECURITY_SEALED' })
})

t.test('a rightly sealed head with wrong padding is refused', async (t) => {
  const prefix = Buffer.concat([Buffer.from('PXH1'), Buffer.of(0, 0, 0, 3)])
  const sealPlain = (plaintext: Buffer) =>
    Buffer.concat([prefix, sealBox(epoch.key, { label: 'head', plaintext, aad: prefix, random: random('bad') })])
  const plain = (total: number, length: number) => {
    const bytes = Buffer.alloc(total - 89)
    bytes.writeUInt32BE(length)
    return bytes
  }
  t.same(openHead(sealPlain(plain(4096, 4003)), epochKey).length, 4003)
  t.throws(
    () => openHead(sealPlain(plain(4096, 4004)), epochKey),
    { code: 'VALIDATION_DECODE' },
    'longer than the text',
  )
  t.throws(
    () => openHead(sealPlain(plain(8192, 4003)), epochKey),
    { code: 'VALIDATION_DECODE' },
    'a whole step too many',
  )
  const dirty = plain(4096, 10)
  dirty[4000] = 1
  t.throws(() => openHead(sealPlain(dirty), epochKey), { code: 'VALIDATION_DECODE' }, 'not zero')
})

t.test('a notice comes back verified', async (t) => {
  const bytes = signNotice(device, notice)
  t.same(openNotice(bytes), notice)
  t.same(openNotice(bytes, device.publicKey), notice)
  const first = { ...notice, seq: 1, prev: null }
  t.same(openNotice(signNotice(device, first)), first)
  t.throws(() => openNotice(bytes, other.publicKey), { code: 'SECURITY_SIGNATURE' }, 'another device is expected')
  t.throws(() => openNotice(signNotice(other, notice)), { code: 'SECURITY_SIGNATURE' }, 'signed by another')
  for (let at = 0; at < bytes.length; at += 3) {
    const copy = Buffer.from(bytes)
    copy[at]! ^= 1
    t.throws(() => openNotice(copy), `byte ${String(at)}`)
  }
})

t.test('a malformed notice is neither signed nor read', async (t) => {
  const wrong = {
    'seq 0': { seq: 0 },
    'no prev': { prev: null },
    'prev of the first': { seq: 1 },
    'a short hash': { sealedHash: noise(31, 1) },
    'a long vault': { vault: noise(33, 1) },
    'a serial of 49 bits': { serial: 2 ** 48 },
    'another version': { v: 2 },
    'no peer id': { device: 'somebody' },
    'an unknown field': { extra: 1 },
  }
  for (const [name, change] of Object.entries(wrong)) {
    const changed = { ...notice, ...change }
    if (name !== 'an unknown field') {
      t.throws(() => signNotice(device, changed as unknown as HeadNotice), { code: 'VALIDATION_DECODE' }, name)
    }
    const bytes = signEnvelope(device, 'head-notice', encode(changed))
    t.throws(() => openNotice(bytes), { code: 'VALIDATION_DECODE' }, name)
  }
  t.throws(
    () => openNotice(signEnvelope(device, 'manifest', encode({ ...notice }))),
    { code: 'SECURITY_SIGNATURE' },
    'another domain',
  )
  t.throws(() => openNotice(new Uint8Array(1025)), { code: 'VALIDATION_LIMIT' })
})

import { argon2Sync } from 'node:crypto'
import t from 'tap'
import { argon2id } from '@noble/hashes/argon2.js'
import { concat, toHex, uint32, utf8 } from '../../src/base/bytes.ts'
import { createAuthority } from '../../src/crypto/authority.ts'
import { encode } from '../../src/crypto/codec.ts'
import { keystoreLockKind, openKeystore, sealKeystore, type DeviceKeys } from '../../src/crypto/keystore-format.ts'
import { sealBox } from '../../src/crypto/seal.ts'
import { signTerms } from '../../src/crypto/terms.ts'
import { clock, device, flipBit, random, vault } from './fixtures.ts'

const secrets = vault()
const one = device(secrets, 'laptop')
const { bytes: authority, epochs } = createAuthority(secrets, one, { random, clock })
const keys: DeviceKeys = {
  name: one.name,
  vault: secrets.vault,
  peerSeed: one.peerSeed,
  dhSecret: one.dhSecret,
  certificate: one.certificate,
  shared: secrets.shared,
  epochs,
  authority,
  terms: signTerms(secrets.sign, { version: 1, floorDays: 7, revokedSerials: [] }),
  kemPublic: secrets.kemPublic,
}
const key = random.bytes(32)
const passphrase = utf8('correct horse')

t.test('Argon2id of node:crypto equals noble', (t) => {
  const nonce = Buffer.alloc(16, 3)
  const native = argon2Sync('argon2id', {
    message: passphrase,
    nonce,
    memory: 64,
    passes: 2,
    parallelism: 4,
    tagLength: 32,
  })
  t.equal(toHex(native), toHex(argon2id(passphrase, nonce, { m: 64, t: 2, p: 4, dkLen: 32 })))
  t.end()
})

t.test('under a key file', (t) => {
  const file = sealKeystore(keys, { key }, random)
  t.equal(keystoreLockKind(file), 'key')
  t.same(openKeystore(file, { key }), keys)
  t.same(key.length, 32)
  t.notOk(
    key.every((byte) => byte === 0),
    'the caller keeps its key',
  )
  t.throws(() => openKeystore(file, { key: random.bytes(32) }), { code: 'AUTH_PASSPHRASE_WRONG' })
  t.throws(() => openKeystore(file, { passphrase }), { code: 'AUTH_PASSPHRASE_WRONG' })
  t.throws(() => openKeystore(file, { key: random.bytes(31) }), { code: 'VALIDATION_FORMAT' })
  t.end()
})

t.test('under a passphrase, with the parameters of RFC 9106 in clear', (t) => {
  const file = sealKeystore(keys, { passphrase }, random)
  t.equal(keystoreLockKind(file), 'passphrase')
  t.equal(toHex(file.subarray(0, 20)), '50584b31' + '01000000' + '00010000' + '00000003' + '00000004')
  t.same(openKeystore(file, { passphrase }), keys)
  t.throws(() => openKeystore(file, { passphrase: utf8('wrong horse') }), { code: 'AUTH_PASSPHRASE_WRONG' })
  t.throws(() => openKeystore(file, { key }), { code: 'AUTH_PASSPHRASE_REQUIRED' })
  t.throws(() => sealKeystore(keys, { passphrase: utf8('') }, random), { code: 'VALIDATION_FORMAT' })
  t.end()
})

t.test('a write-only device has no history key', (t) => {
  const { idMac, chunker, rendezvous, authority: seal } = secrets.shared
  const limited = { ...keys, shared: { idMac, chunker, rendezvous, authority: seal } }
  const opened = openKeystore(sealKeystore(limited, { key }, random), { key })
  t.same(opened, limited)
  t.notOk('history' in opened.shared)
  t.end()
})

t.test('no secret is readable in the file', (t) => {
  const file = Buffer.from(sealKeystore(keys, { key }, random))
  for (const secret of [keys.peerSeed, keys.dhSecret, keys.shared.idMac, epochs[0]?.key ?? key]) {
    t.equal(file.indexOf(secret), -1)
  }
  t.equal(file.indexOf(utf8('laptop')), -1)
  t.end()
})

t.test('damage is told from a wrong key', (t) => {
  const file = sealKeystore(keys, { key }, random)
  t.throws(() => openKeystore(flipBit(file, file.length * 8 - 1), { key }), { code: 'SECURITY_SEALED' })
  t.throws(() => openKeystore(flipBit(file, 8 * 200), { key }), { code: 'SECURITY_SEALED' })
  t.throws(() => openKeystore(flipBit(file, 0), { key }), { code: 'VALIDATION_DECODE' })
  t.throws(() => openKeystore(file.subarray(0, 100), { key }), { code: 'VALIDATION_DECODE' })
  t.throws(() => openKeystore(new Uint8Array(1_048_577), { key }), { code: 'VALIDATION_LIMIT' })
  for (let bit = 0; bit < 1000; bit++) t.throws(() => openKeystore(flipBit(file, bit), { key }), { name: 'PlexiError' })
  t.end()
})

t.test('parameters under the floor or over the ceiling are refused before they cost anything', (t) => {
  const file = sealKeystore(keys, { key }, random)
  const parameters: [number, number, number][] = [
    [19_455, 3, 4],
    [65_536, 1, 4],
    [65_536, 3, 0],
    [1_048_577, 3, 4],
    [2 ** 32 - 1, 3, 4],
    [65_536, 17, 4],
    [65_536, 3, 17],
  ]
  for (const [memory, passes, lanes] of parameters) {
    const header = concat(
      utf8('PXK1'),
      Uint8Array.of(1, 0, 0, 0),
      uint32(memory),
      uint32(passes),
      uint32(lanes),
      new Uint8Array(16),
    )
    t.throws(() => openKeystore(concat(header, file.subarray(36)), { passphrase }), { code: 'VALIDATION_DECODE' })
  }
  t.end()
})

t.test('reserved bytes and the fixed fields of a key file are zero', (t) => {
  const file = sealKeystore(keys, { key }, random)
  for (const at of [5, 6, 7, 8, 15, 19, 20, 35]) {
    t.throws(() => openKeystore(flipBit(file, 8 * at), { key }), { code: 'VALIDATION_DECODE' })
  }
  for (const at of [5, 6, 7]) {
    const locked = Uint8Array.from(file)
    locked[4] = 1
    t.throws(() => keystoreLockKind(flipBit(locked, 8 * at)), { code: 'VALIDATION_DECODE' })
  }
  t.throws(() => keystoreLockKind(flipBit(file, 8 * 4)), { code: 'VALIDATION_DECODE' }, 'lock 3')
  t.end()
})

t.test('content that is not of the form is refused on both ways', (t) => {
  t.throws(() => sealKeystore({ ...keys, peerSeed: new Uint8Array(31) }, { key }, random), {
    code: 'VALIDATION_DECODE',
  })
  t.throws(() => sealKeystore({ ...keys, epochs: [] }, { key }, random), { code: 'VALIDATION_DECODE' })
  t.throws(() => sealKeystore({ ...keys, epochs: [...epochs, ...epochs] }, { key }, random), {
    code: 'VALIDATION_DECODE',
  })
  t.throws(() => sealKeystore({ ...keys, name: '' }, { key }, random), { code: 'VALIDATION_DECODE' })
  const header = concat(utf8('PXK1'), Uint8Array.of(2), new Uint8Array(31))
  const box = sealBox(key, { label: 'keystore', plaintext: encode({ v: 2 }), aad: header, random })
  t.throws(() => openKeystore(concat(header, box), { key }), { code: 'VALIDATION_DECODE' })
  t.end()
})

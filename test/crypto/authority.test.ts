import t from 'tap'
import fc from 'fast-check'
import { concat, toHex } from '../../src/base/bytes.ts'
import {
  addDevice,
  authorityHash,
  checkSuccessor,
  createAuthority,
  epochKeysForDevice,
  epochKeysForVault,
  openAuthority,
  revokeDevices,
  rotateEpoch,
  type Authority,
  type AuthorityVersion,
} from '../../src/crypto/authority.ts'
import { decodeAuthority, encodeAuthority } from '../../src/crypto/authority-format.ts'
import { issueCertificate } from '../../src/crypto/certificate.ts'
import { sealBox } from '../../src/crypto/seal.ts'
import { signEnvelope } from '../../src/crypto/signature.ts'
import { clock, device, flipBit, now, otherWords, random, vault, words } from './fixtures.ts'

const secrets = vault()
const thief = vault(otherWords)
const deps = { random, clock }
const [laptop, phone, server] = ['laptop', 'phone', 'server'].map((name) => device(secrets, name)) as [Dev, Dev, Dev]
const writer = device(secrets, 'writer', ['store', 'head'])
type Dev = ReturnType<typeof device>

const open = (bytes: Uint8Array): Authority =>
  openAuthority(bytes, { key: secrets.shared.authority, vault: secrets.vault })
const readable = (one: Dev, authority: Authority): number[] =>
  epochKeysForDevice(one.dhSecret, one.content.serial, authority).map(({ epoch }) => epoch)

t.test('version 1: one device, one epoch, readable by the vault and the device', (t) => {
  const first = createAuthority(secrets, laptop, deps)
  const authority = open(first.bytes)
  t.same(authority, first.authority)
  t.match(authority, { version: 1, prev: null, revoked: [], params: { suite: 1, shardBytes: 1_048_576 } })
  t.same(
    authority.devices.map(({ name, time, content }) => [name, time, content.peer]),
    [['laptop', now, laptop.content.peer]],
  )
  t.same(epochKeysForVault(secrets, authority), first.epochs)
  t.same(epochKeysForDevice(laptop.dhSecret, laptop.content.serial, authority), first.epochs)
  t.equal(first.epochs[0]?.key.length, 32)
  t.end()
})

t.test('the phrase alone opens it again, and so does the hybrid way when the wraps are lost', (t) => {
  const first = createAuthority(secrets, laptop, deps)
  const again = vault(words)
  t.same(epochKeysForVault(again, open(first.bytes)), first.epochs)
  const lost = { vault: again.vault, kem: again.kem, wrap: new Uint8Array(32) }
  t.same(epochKeysForVault(lost, open(first.bytes)), first.epochs)
  t.throws(() => epochKeysForVault({ ...lost, kem: thief.kem }, open(first.bytes)), { code: 'SECURITY_SEALED' })
  t.end()
})

t.test('a chain: add, add write-only, revoke, rotate', (t) => {
  const v1 = createAuthority(secrets, laptop, deps)
  const v2 = addDevice(secrets, v1.bytes, { ...deps, device: phone })
  const v3 = rotateEpoch(secrets, v2.bytes, deps)
  const v4 = addDevice(secrets, v3.bytes, { ...deps, device: writer })
  const v5 = addDevice(secrets, v4.bytes, { ...deps, device: server })
  const v6 = revokeDevices(secrets, v5.bytes, { ...deps, serials: [phone.content.serial] })
  const chain = [v1, v2, v3, v4, v5, v6]
  chain.forEach((one, i) => {
    t.same(open(one.bytes), one.authority)
    t.equal(one.authority.version, i + 1)
    const before = chain[i - 1]
    if (before !== undefined) {
      t.same(one.authority.prev, authorityHash(before.bytes))
      t.equal(checkSuccessor(before, one), 'newer')
      t.throws(() => checkSuccessor(one, before), { code: 'SECURITY_ROLLBACK' })
    }
    t.equal(checkSuccessor(one, one), 'same')
    t.equal(one.epochs.length, one.authority.epochs.length)
    t.same(epochKeysForVault(secrets, one.authority), one.epochs)
  })
  t.equal(checkSuccessor(v1, v6), 'newer')
  const last = open(v6.bytes)
  t.same(readable(laptop, last), [1, 2, 3])
  t.same(readable(phone, last), [1, 2], 'a revoked device reads nothing new')
  t.same(readable(writer, last), [3], 'a write-only device has the newest alone')
  t.same(readable(server, last), [1, 2, 3], 'a full device that came later reads everything')
  t.same(last.revoked, [phone.content.serial])
  t.same(epochKeysForDevice(server.dhSecret, server.content.serial, last), v6.epochs)
  const after = rotateEpoch(secrets, v6.bytes, deps)
  t.same(readable(phone, after.authority), [1, 2])
  t.same(readable(laptop, after.authority), [1, 2, 3, 4])
  t.equal(new Set(after.epochs.map(({ key }) => toHex(key))).size, 4)
  t.end()
})

t.test('wraps are bound to device, serial, epoch and vault', (t) => {
  const v1 = createAuthority(secrets, laptop, deps)
  const v2 = rotateEpoch(secrets, v1.bytes, deps)
  const [one, two] = v2.authority.epochs
  t.throws(() => epochKeysForDevice(phone.dhSecret, laptop.content.serial, v2.authority), { code: 'SECURITY_SEALED' })
  t.same(epochKeysForDevice(laptop.dhSecret, 12345, v2.authority), [])
  if (one === undefined || two === undefined) throw new Error('two epochs')
  const swapped = { ...v2.authority, epochs: [{ ...one, devices: two.devices, wrap: two.wrap, hybrid: two.hybrid }] }
  t.throws(() => epochKeysForDevice(laptop.dhSecret, laptop.content.serial, swapped), { code: 'SECURITY_SEALED' })
  t.throws(() => epochKeysForVault(secrets, swapped), { code: 'SECURITY_SEALED' })
  const elsewhere = { ...v2.authority, vault: thief.vault }
  t.throws(() => epochKeysForVault(secrets, elsewhere), { code: 'SECURITY_SEALED' })
  t.end()
})

t.test('who may not: other keys, other vaults, unknown or repeated devices', (t) => {
  const { bytes } = createAuthority(secrets, laptop, deps)
  t.throws(() => openAuthority(bytes, { key: thief.shared.authority, vault: secrets.vault }), {
    code: 'SECURITY_SEALED',
  })
  t.throws(() => openAuthority(bytes, { key: secrets.shared.authority, vault: thief.vault }), {
    code: 'SECURITY_SEALED',
  })
  t.throws(() => addDevice(thief, bytes, { ...deps, device: phone }), { code: 'SECURITY_SEALED' })
  t.throws(() => addDevice(secrets, bytes, { ...deps, device: device(thief, 'spy') }), { code: 'AUTH_CERTIFICATE' })
  t.throws(() => addDevice(secrets, bytes, { ...deps, device: laptop }), { code: 'VALIDATION_DECODE' })
  t.throws(() => addDevice(secrets, bytes, { ...deps, device: { ...phone, name: '' } }), { code: 'VALIDATION_DECODE' })
  t.throws(() => addDevice(secrets, bytes, { ...deps, device: { ...phone, name: 'x'.repeat(65) } }), {
    code: 'VALIDATION_DECODE',
  })
  t.throws(() => revokeDevices(secrets, bytes, { ...deps, serials: [1] }), { code: 'STORAGE_NOT_FOUND' })
  t.throws(() => openAuthority(new Uint8Array(262_145), { key: secrets.shared.authority, vault: secrets.vault }), {
    code: 'VALIDATION_LIMIT',
  })
  t.end()
})

t.test('a device that has the shared key but not the phrase cannot write one', (t) => {
  const { authority } = createAuthority(secrets, laptop, deps)
  const forged = signEnvelope(thief.sign, 'authority', encodeAuthority(authority))
  const bytes = sealBox(secrets.shared.authority, { label: 'authority', plaintext: forged, aad: secrets.vault, random })
  t.throws(() => open(bytes), { code: 'SECURITY_SIGNATURE' })
  const asTerms = signEnvelope(secrets.sign, 'terms', encodeAuthority(authority))
  t.throws(
    () =>
      open(sealBox(secrets.shared.authority, { label: 'authority', plaintext: asTerms, aad: secrets.vault, random })),
    { code: 'SECURITY_SIGNATURE' },
  )
  t.end()
})

t.test('every flipped bit is noticed', (t) => {
  const { bytes } = createAuthority(secrets, laptop, deps)
  for (let bit = 0; bit < bytes.length * 8; bit += 61)
    t.throws(() => open(flipBit(bytes, bit)), { code: 'SECURITY_SEALED' })
  t.end()
})

t.test('rules of the payload', (t) => {
  const { authority } = addDevice(secrets, createAuthority(secrets, laptop, deps).bytes, { ...deps, device: phone })
  const [epoch] = authority.epochs
  const [first] = authority.devices
  if (epoch === undefined || first === undefined) throw new Error('one epoch, two devices')
  t.same(decodeAuthority(encodeAuthority(authority), secrets.vault), authority)
  const twin = { ...first, certificate: issueCertificate(secrets.sign, { ...first.content, serial: 77 }) }
  const bad: Partial<Authority>[] = [
    { version: 0 },
    { version: 1 },
    { prev: null },
    { prev: new Uint8Array(31) },
    { epochs: [] },
    { epochs: [{ ...epoch, epoch: 2 }] },
    { epochs: [epoch, epoch] },
    { epochs: [{ ...epoch, wrap: epoch.wrap.subarray(1) }] },
    { epochs: [{ ...epoch, hybrid: concat(epoch.hybrid, epoch.wrap) }] },
    { epochs: [{ ...epoch, devices: epoch.devices.toReversed() }] },
    { epochs: [{ ...epoch, devices: [{ serial: 5, box: new Uint8Array(145) }] }] },
    { devices: [] },
    { devices: [first, first] },
    { devices: [...authority.devices, twin] },
    { devices: [{ ...first, certificate: flipBit(first.certificate, 400) }, ...authority.devices.slice(1)] },
    { devices: [...authority.devices, device(thief, 'spy')].map((one) => ({ time: 0, ...one })) },
    { devices: [{ ...first, name: '' }, ...authority.devices.slice(1)] },
    { revoked: [5] },
    { revoked: authority.devices.map((one) => one.content.serial).sort((a, b) => b - a) },
    { params: { ...authority.params, suite: 3 as never } },
    { vault: thief.vault },
    { v: 2 as never },
  ]
  for (const [i, change] of bad.entries()) {
    t.throws(
      () => decodeAuthority(encodeAuthority({ ...authority, ...change }), secrets.vault),
      { code: 'VALIDATION_DECODE' },
      `case ${String(i)}`,
    )
  }
  const many = Array.from({ length: 257 }, () => first)
  t.throws(() => decodeAuthority(encodeAuthority({ ...authority, devices: many }), secrets.vault), {
    code: 'VALIDATION_LIMIT',
  })
  t.end()
})

t.test('a successor keeps everything', (t) => {
  const v1 = createAuthority(secrets, laptop, deps)
  const v2 = addDevice(secrets, v1.bytes, { ...deps, device: phone })
  const v3 = revokeDevices(secrets, v2.bytes, { ...deps, serials: [phone.content.serial] })
  const fake = (change: Partial<Authority>): AuthorityVersion => ({
    ...v3,
    bytes: random.bytes(9),
    authority: { ...v3.authority, ...change },
  })
  t.equal(checkSuccessor(v2, fake({})), 'newer')
  const v4 = {
    ...v3,
    bytes: random.bytes(9),
    authority: { ...v3.authority, version: 4, prev: authorityHash(v3.bytes) },
  }
  t.equal(checkSuccessor(v3, v4), 'newer')
  const worse: [AuthorityVersion, AuthorityVersion][] = [
    [v2, fake({ version: 2 })],
    [v2, fake({ prev: authorityHash(v1.bytes) })],
    [v2, fake({ devices: v3.authority.devices.slice(0, 1) })],
    [v2, fake({ devices: v3.authority.devices.toReversed() })],
    [v2, fake({ epochs: v3.authority.epochs.slice(1) })],
    [v2, fake({ params: { ...v3.authority.params, chunkMin: 1 } })],
    [v3, { ...v4, authority: { ...v4.authority, revoked: [] } }],
    [v3, fake({})],
  ]
  for (const [known, offered] of worse) t.throws(() => checkSuccessor(known, offered), { code: 'SECURITY_ROLLBACK' })
  t.end()
})

t.test('sizes: ten devices and thirty epochs fit', (t) => {
  let version = createAuthority(secrets, laptop, deps)
  for (let i = 0; i < 9; i++)
    version = addDevice(secrets, version.bytes, { ...deps, device: device(secrets, `d${String(i)}`) })
  for (let i = 0; i < 29; i++) version = rotateEpoch(secrets, version.bytes, deps)
  t.ok(version.bytes.length < 131_072, `${String(version.bytes.length)} bytes`)
  t.same(readable(laptop, open(version.bytes)).length, 30)
  t.end()
})

t.test('property: after any history, devices read what they may and every version follows from the one before', (t) => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('add' as const), full: fc.boolean() }),
    fc.record({ type: fc.constant('revoke' as const), which: fc.nat() }),
    fc.record({ type: fc.constant('rotate' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      let version = createAuthority(secrets, laptop, deps)
      const model = [{ one: laptop, full: true, until: Infinity }]
      for (const action of steps) {
        const before = version
        const newest = version.epochs.length
        if (action.type === 'add') {
          const one = device(secrets, 'new', action.full ? ['store', 'fetch'] : ['store'])
          version = addDevice(secrets, before.bytes, { ...deps, device: one })
          model.push({ one, full: action.full, until: Infinity })
        } else if (action.type === 'revoke') {
          const entry = model[action.which % model.length]
          if (entry === undefined) continue
          version = revokeDevices(secrets, before.bytes, { ...deps, serials: [entry.one.content.serial] })
          entry.until = Math.min(entry.until, newest)
        } else version = rotateEpoch(secrets, before.bytes, deps)
        t.equal(checkSuccessor(before, version), 'newer')
      }
      const authority = open(version.bytes)
      const all = authority.epochs.map(({ epoch }) => epoch)
      for (const { one, full, until } of model) {
        const allowed = full ? all : all.slice(-1)
        t.same(
          readable(one, authority),
          allowed.filter((epoch) => epoch <= until),
        )
      }
    }),
    { numRuns: 15 },
  )
  t.end()
})

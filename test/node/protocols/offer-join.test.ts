import t from 'tap'
import { allGrants } from '../../../src/crypto/certificate.ts'
import { getOffer, JOIN_PROTOCOL, joinCircle, OFFER_PROTOCOL, putShard } from '../../../src/node/protocols/index.ts'
import { SHARD_BYTES } from '../../../src/shard/index.ts'
import { ADDRESS, putOf, sampleShard, START, testHost, TestVault } from '../storage-fixture.ts'

t.test('an offer says what is left for the one who asks', async (t) => {
  const host = await testHost(t, { host: { offerBytes: 10 * SHARD_BYTES } })
  const device = new TestVault().device()
  const ask = (certificate?: Uint8Array) => getOffer(host.call(device.peer, OFFER_PROTOCOL), certificate)
  t.match(await ask(device.certificate), {
    peer: host.peer,
    capacity: 10 * SHARD_BYTES,
    free: 10 * SHARD_BYTES,
    state: 'open',
    vouched: true,
    time: START,
  })
  await putShard(host.call(device.peer), device, putOf(device, sampleShard('offer')))
  const after = await ask(device.certificate)
  t.ok(after.free <= 9 * SHARD_BYTES && after.free > 8 * SHARD_BYTES)
  host.standing = 'stranger'
  t.match(
    await ask(device.certificate),
    { vouched: false, free: 0, state: 'full' },
    'a tenth of the offer, and it is used',
  )
  t.match(await ask(), { vouched: false, state: 'open' }, 'without a certificate: what any stranger could have')
  host.store.pause(true)
  t.match(await ask(device.certificate), { state: 'paused', free: 0 })
})

t.test('an offer of somebody else, or with a certificate of somebody else, is refused', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const call = { ...host.call(device.peer, OFFER_PROTOCOL), host: device.peer }
  await t.rejects(getOffer(call, device.certificate), { code: 'SECURITY_SIGNATURE' })
  const other = new TestVault().device()
  await t.rejects(getOffer(host.call(device.peer, OFFER_PROTOCOL), other.certificate), { code: 'AUTH_CERTIFICATE' })
})

t.test('join hands the guest to the book of invites and brings the inviter back', async (t) => {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device(allGrants)
  const joining = { token: Buffer.alloc(16, 1), certificate: device.certificate, name: 'Ann', addresses: [ADDRESS] }
  const welcome = await joinCircle(host.call(device.peer, JOIN_PROTOCOL), joining)
  t.match(welcome, { name: 'host', addresses: [ADDRESS] })
  t.equal(welcome.vault.length, 32)
  t.match(host.guests, [{ peer: device.peer, name: 'Ann', observed: ADDRESS }])
  const thief = new TestVault().device()
  const stolen = joinCircle(host.call(thief.peer, JOIN_PROTOCOL), joining)
  await t.rejects(stolen, { code: 'AUTH_CERTIFICATE' }, "somebody else's certificate")
  t.equal(host.guests.length, 1)
})

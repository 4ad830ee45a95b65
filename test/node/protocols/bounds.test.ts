import t from 'tap'
import { type Clock, MINUTE } from '../../../src/base/clock.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import type { PeerKey } from '../../../src/crypto/ids.ts'
import { fromWireError, hostFault, isPassing, toWireError } from '../../../src/node/protocols/errors.ts'
import { getShard, hasShards, putShard } from '../../../src/node/protocols/index.ts'
import { InFlight } from '../../../src/node/protocols/in-flight.ts'
import { SHARD_BYTES } from '../../../src/shard/index.ts'
import { memoryWirePair } from '../memory-wire.ts'
import { putOf, sampleShard, testHost, TestVault } from '../storage-fixture.ts'

const never = new AbortController().signal
const peer = '12D3KooWHost' as PeerKey

t.test('streams are bounded per peer and in total', (t) => {
  const flight = new InFlight({ maxStreamsPerPeer: 2, maxStreams: 3, maxBytesPerPeer: 1, maxBytes: 1 })
  const leave = flight.enter('a')
  flight.enter('a')
  t.equal(flight.enter('a'), undefined)
  t.ok(flight.enter('b'))
  t.equal(flight.enter('c'), undefined)
  leave?.()
  t.ok(flight.enter('c'))
  t.end()
})

t.test('bytes are waited for in order, and one peer at its bound keeps nobody else waiting', async (t) => {
  const flight = new InFlight({ maxStreamsPerPeer: 9, maxStreams: 9, maxBytesPerPeer: 2, maxBytes: 3 })
  const order: string[] = []
  const hold = async (who: string) => {
    const giveBack = await flight.hold(who, 1, never)
    order.push(who)
    return giveBack
  }
  const first = await hold('a')
  await hold('a')
  const third = hold('a')
  await hold('b')
  t.same(order, ['a', 'a', 'b'])
  const stop = new AbortController()
  const given = flight.hold('b', 1, stop.signal)
  stop.abort(new Error('gave up'))
  await t.rejects(given, { message: 'gave up' })
  first()
  await third
  t.same(order, ['a', 'a', 'b', 'a'])
  t.equal(flight.bytes, 3)
})

t.test('a peer with too many streams is told so at once', async (t) => {
  const host = await testHost(t, { serve: { maxStreamsPerPeer: 2 } })
  const device = new TestVault().device()
  for (let i = 0; i < 2; i++) host.open(device.peer)
  const shard = sampleShard('busy')
  const third = getShard(host.call(device.peer), device, shard.id)
  await t.rejects(third, { code: 'NETWORK_BUSY' })
  const other = new TestVault().device()
  t.match(await hasShards(host.call(other.peer), other, [shard.id]), [{ state: 'missing' }], 'others are served')
})

t.test('a peer that sends nothing is let go of', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const { served, wire } = host.open(device.peer)
  await host.clock.advance(MINUTE)
  await served
  t.match(Buffer.from((await wire.read(never)) ?? []).toString('latin1'), 'SYSTEM_TIMEOUT')
})

t.test('a peer that stops in the middle of a body gives its room back', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const shard = sampleShard('stall')
  const { call, served, server } = host.open(device.peer)
  const patient = { ...call, options: { answerMs: 60 * MINUTE, transferMs: 60 * MINUTE } }
  const put = putShard(patient, device, {
    ...putOf(device, shard),
    read: () => Promise.resolve(shard.bytes.subarray(1)),
  })
  const outcome = t.rejects(put, { code: 'SYSTEM_TIMEOUT' })
  while (server.takenBytes < SHARD_BYTES - 1) await new Promise(setImmediate)
  t.equal(host.store.usage().reservedBytes, SHARD_BYTES)
  await host.clock.advance(5 * MINUTE)
  await served
  await outcome
  t.equal(host.store.usage().reservedBytes, 0)
})

t.test('a host that hangs, garbles or vanishes is named with what it did', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const shard = sampleShard('faults')
  const ask = () => {
    const { call, wire } = host.open(device.peer)
    return { wire, get: getShard({ ...call, host: peer }, device, shard.id) }
  }
  const fault = async (get: Promise<unknown>) => hostFault(peer, await get.catch((error: unknown) => error))
  t.match(await fault(ask().get), { peer, why: 'missing', detail: 'STORAGE_SHARD_NOT_FOUND' })
  const { call } = silentHost(host)
  const hanging = fault(getShard(call, device, shard.id))
  await host.clock.advance(5 * MINUTE)
  t.match(await hanging, { why: 'timeout', detail: 'NETWORK_TIMEOUT' })
  for (const garbage of ['ff', '01a0', '02a161', 'ffffff7f', '0afafafafafafafafafafa']) {
    const { call: broken, end } = silentHost(host)
    await end.write(Buffer.from(garbage, 'hex'), never)
    await end.close()
    t.match(await fault(getShard(broken, device, shard.id)), { why: 'protocol' }, garbage)
  }
  const gone = silentHost(host)
  gone.end.abort(new Error('reset'))
  t.match(await fault(getShard(gone.call, device, shard.id)), { why: 'offline' })
})

/** A call to somebody who never answers by itself. */
function silentHost(host: { clock: Clock }) {
  const { client, server } = memoryWirePair()
  return { call: { stream: client, host: peer, clock: host.clock, signal: never }, end: server }
}

t.test('only codes and details of the list cross', (t) => {
  const told = toWireError(new PlexiError('STORAGE_QUOTA_EXCEEDED', { reason: 'disk', freeBytes: 5, path: '/secret' }))
  t.same(told, { code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'disk', freeBytes: 5 } })
  t.same(toWireError(new Error('ENOENT /home/me')), { code: 'SYSTEM_UNEXPECTED', details: {} })
  t.same(toWireError(new PlexiError('STORAGE_DATABASE', { name: 'x' })), { code: 'SYSTEM_UNEXPECTED', details: {} })
  const heard = fromWireError({ code: 'STORAGE_HEAD_STALE', details: { seq: 1, newest: 2, evil: 'x' } }, peer)
  t.match(heard, { code: 'STORAGE_HEAD_STALE', details: { seq: 1, newest: 2, peer } })
  t.notOk('evil' in heard.details)
  t.equal(fromWireError({ code: 'CONFIG_INVALID', details: {} }, peer).code, 'NETWORK_PROTOCOL')
  t.match(hostFault(peer, heard), { why: 'refused' })
  t.match(hostFault(peer, new PlexiError('STORAGE_QUOTA_EXCEEDED', { reason: 'disk' })), {
    why: 'full',
    detail: 'STORAGE_QUOTA_EXCEEDED: disk',
  })
  t.ok(isPassing(new PlexiError('NETWORK_BUSY')))
  t.notOk(isPassing(heard))
  t.end()
})

import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { equal, toHex } from '../../../src/base/bytes.ts'
import { getShard, openReceipt, putShard } from '../../../src/node/protocols/index.ts'
import { SHARD_BYTES } from '../../../src/shard/index.ts'
import { putOf, sampleShard, testHost, TestVault } from '../storage-fixture.ts'

const path = (host: { directory: string }, ...parts: string[]) => join(host.directory, 'hosted', ...parts)

t.test('a put is durable and receipted, and the bytes come back', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const shard = sampleShard('put')
  const receipt = await putShard(host.call(device.peer), device, putOf(device, shard))
  t.match(receipt, { host: host.peer, number: 1, bytes: SHARD_BYTES, time: host.clock.now() })
  t.ok(
    equal(openReceipt(receipt.signed, { host: host.peer, vault: device.vault, shardId: shard.id }).shardId, shard.id),
  )
  const file = path(host, toHex(device.vault), toHex(shard.id))
  t.equal((await stat(file)).size, SHARD_BYTES)
  t.ok(equal(await readFile(file), shard.bytes))
  t.same(await readdir(path(host, 'incoming')), [])
  t.ok(equal(await getShard(host.call(device.peer), device, shard.id), shard.bytes))
})

t.test('a repeated put asks for no body and gives the same receipt', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const shard = sampleShard('again')
  const first = await putShard(host.call(device.peer), device, putOf(device, shard))
  const read = () => Promise.reject(new Error('the body was asked for'))
  const second = await putShard(host.call(device.peer), device, { ...putOf(device, shard), read })
  t.equal(second.number, first.number)
  t.equal(second.time, first.time)
  t.equal(host.store.vault(device.vault)?.shards, 1)
})

t.test('numbers rise by one per vault, also for puts at the same time', async (t) => {
  const host = await testHost(t)
  const one = new TestVault().device()
  const other = new TestVault().device()
  const shards = Array.from({ length: 8 }, (_, i) => sampleShard(`number ${String(i)}`))
  const receipts = await Promise.all(shards.map((shard) => putShard(host.call(one.peer), one, putOf(one, shard))))
  t.same(receipts.map((receipt) => receipt.number).toSorted(), [1, 2, 3, 4, 5, 6, 7, 8])
  const foreign = await putShard(host.call(other.peer), other, putOf(other, shards[0] ?? sampleShard(0)))
  t.equal(foreign.number, 1)
  t.equal(host.store.usage().storedBytes >= 9 * SHARD_BYTES, true)
  t.equal(host.store.usage().reservedBytes, 0)
})

t.test('a damaged file is healed by putting the shard again', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const shard = sampleShard('heal')
  const first = await putShard(host.call(device.peer), device, putOf(device, shard))
  await writeFile(path(host, toHex(device.vault), toHex(shard.id)), Buffer.alloc(SHARD_BYTES))
  await t.rejects(getShard(host.call(device.peer), device, shard.id), { code: 'STORAGE_SHARD_CORRUPT' })
  const second = await putShard(host.call(device.peer), device, putOf(device, shard))
  t.equal(second.number, first.number)
  t.ok(equal(await getShard(host.call(device.peer), device, shard.id), shard.bytes))
  t.equal(host.store.vault(device.vault)?.shards, 1)
})

t.test('bytes of another root are refused and leave nothing behind', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const put = { ...putOf(device, sampleShard('right')), read: () => Promise.resolve(sampleShard('wrong').bytes) }
  await t.rejects(putShard(host.call(device.peer), device, put), { code: 'STORAGE_SHARD_CORRUPT' })
  t.same(await readdir(path(host, 'incoming')), [])
  t.equal(host.store.vault(device.vault)?.shards ?? 0, 0)
  t.equal(host.store.usage().reservedBytes, 0)
})

t.test('a full host says so', async (t) => {
  const host = await testHost(t, { host: { offerBytes: 2 * SHARD_BYTES + 4096 } })
  const device = new TestVault().device()
  for (const name of ['a', 'b']) await putShard(host.call(device.peer), device, putOf(device, sampleShard(name)))
  const third = putShard(host.call(device.peer), device, putOf(device, sampleShard('c')))
  await t.rejects(third, { code: 'STORAGE_QUOTA_EXCEEDED', details: { reason: 'offer' } })
})

t.test('a client that vanishes in the middle of the body costs nothing lasting', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  const { call, served, wire } = host.open(device.peer)
  const shard = sampleShard('vanish')
  const put = putShard(call, device, {
    ...putOf(device, shard),
    read: async () => {
      wire.abort(new Error('gone'))
      return Promise.resolve(shard.bytes)
    },
  })
  await t.rejects(put, { code: 'NETWORK_UNREACHABLE' })
  await served
  t.equal(host.store.usage().reservedBytes, 0)
  t.same(await readdir(path(host, 'incoming')), [])
})

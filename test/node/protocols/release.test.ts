import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { toHex } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import { sha256 } from '../../../src/crypto/hash.ts'
import { leafHash, merkleRoot } from '../../../src/crypto/merkle.ts'
import type { ShardId } from '../../../src/shard/index.ts'
import {
  getShard,
  hasShards,
  MAX_IDS,
  putShard,
  releaseShards,
  renewLeases,
  restoreReleased,
} from '../../../src/node/protocols/index.ts'
import { putOf, sampleShard, START, type TestDevice, type TestHost, testHost, TestVault } from '../storage-fixture.ts'

const never = new AbortController().signal

/** A vault with `count` shards on a new host. */
async function stored(t: Parameters<typeof testHost>[0], count: number) {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const shards = Array.from({ length: count }, (_, i) => sampleShard(`${t.name} ${String(i)}`))
  for (const shard of shards) await putShard(host.call(device.peer), device, putOf(device, shard))
  return { host, vault, device, ids: shards.map((shard) => shard.id) }
}

const files = async (host: TestHost, device: TestDevice) =>
  (await readdir(join(host.directory, 'hosted', toHex(device.vault)))).filter((name) => name.length === 64)

t.test('a release takes effect after the floor and deletes then', async (t) => {
  const { host, device, ids } = await stored(t, 2)
  const [gone, kept] = ids as [ShardId, ShardId]
  t.same(await releaseShards(host.call(device.peer), device, [gone, sampleShard('unknown').id]), [
    START + 7 * DAY,
    null,
  ])
  t.match(await hasShards(host.call(device.peer), device, ids), [
    { state: 'released', effectiveAt: START + 7 * DAY },
    { state: 'held', effectiveAt: null },
  ])
  await host.clock.advance(7 * DAY - 1)
  t.equal(await host.store.releases.sweep(never), 0, 'not a millisecond early')
  t.equal((await getShard(host.call(device.peer), device, gone)).length, 1_048_576, 'readable until then')
  await host.clock.advance(1)
  t.equal(await host.store.releases.sweep(never), 1)
  await t.rejects(getShard(host.call(device.peer), device, gone), { code: 'STORAGE_SHARD_NOT_FOUND' })
  t.same(await files(host, device), [toHex(kept)])
  t.equal(host.store.vault(device.vault)?.shards, 1)
})

t.test('asking again does not bring it forward', async (t) => {
  const { host, device, ids } = await stored(t, 1)
  await releaseShards(host.call(device.peer), device, ids)
  await host.clock.advance(3 * DAY)
  t.same(await releaseShards(host.call(device.peer), device, ids), [START + 7 * DAY], 'nor push it back')
})

t.test('restore-released and a repeated put undo it', async (t) => {
  const { host, device, ids } = await stored(t, 2)
  const [one] = ids as [ShardId]
  await releaseShards(host.call(device.peer), device, ids)
  const unknown = sampleShard('unknown').id
  t.same(await restoreReleased(host.call(device.peer), device, [one, unknown]), [true, false])
  await putShard(host.call(device.peer), device, putOf(device, sampleShard(`${t.name} 1`)))
  await host.clock.advance(30 * DAY)
  t.equal(await host.store.releases.sweep(never), 0)
  t.match(await hasShards(host.call(device.peer), device, ids), [{ state: 'held' }, { state: 'held' }])
})

t.test("a longer floor in the vault's terms is kept, a shorter one waits for it", async (t) => {
  const { host, vault, device, ids } = await stored(t, 3)
  const [one, two, three] = ids as [ShardId, ShardId, ShardId]
  const long = { ...device, terms: vault.terms({ floorDays: 60 }) }
  t.same(await releaseShards(host.call(device.peer), long, [one]), [START + 60 * DAY])
  await host.clock.advance(10 * DAY)
  const short = { ...device, terms: vault.terms({ floorDays: 7 }) }
  t.same(await releaseShards(host.call(device.peer), short, [two]), [START + 70 * DAY], 'a thief gains nothing')
  await host.clock.advance(61 * DAY)
  t.same(await releaseShards(host.call(device.peer), short, [three]), [START + 78 * DAY])
})

t.test('a wall clock that jumps deletes nothing at once', async (t) => {
  const { host, device, ids } = await stored(t, 1)
  await releaseShards(host.call(device.peer), device, ids)
  const elapsed = host.clock.elapsed()
  host.clock.elapsed = () => elapsed
  await host.clock.advance(3650 * DAY)
  t.equal(await host.store.releases.sweep(never), 0)
  t.same(await files(host, device), ids.map(toHex))
})

t.test('releasing needs its grant, an order for this host, and few enough ids', async (t) => {
  const { host, vault, device, ids } = await stored(t, 1)
  const keeper = { ...vault.device(['store', 'fetch', 'head']), terms: device.terms }
  await t.rejects(releaseShards(host.call(keeper.peer), keeper, ids), { code: 'AUTH_GRANT_MISSING' })
  t.same(await restoreReleased(host.call(keeper.peer), keeper, ids), [true], 'keeping needs no such grant')
  const elsewhere = { ...host.call(device.peer), host: device.peer }
  await t.rejects(releaseShards(elsewhere, device, ids), { code: 'VALIDATION_DECODE' }, 'an order for another host')
  const many = Array.from({ length: MAX_IDS + 1 }, () => ids[0] as ShardId)
  await t.rejects(releaseShards(host.call(device.peer), device, many), { code: 'VALIDATION_LIMIT' })
  await t.rejects(hasShards(host.call(device.peer), device, []), { code: 'VALIDATION_LIMIT' })
})

t.test('renew: one message for all live shards, if both agree', async (t) => {
  const { host, device, ids } = await stored(t, 4)
  const sorted = ids.toSorted(Buffer.compare)
  const root = merkleRoot(sorted.map(leafHash))
  const renew = (request: Parameters<typeof renewLeases>[2]) => renewLeases(host.call(device.peer), device, request)
  await host.clock.advance(30 * DAY)
  const wrong = await renew({ upTo: 4, count: 4, root: sha256(root) })
  t.match(wrong, { matched: false, count: 4, until: null })
  t.same(Buffer.from(wrong.root), Buffer.from(root), 'the host says what it has')
  t.match(await hasShards(host.call(device.peer), device, [sorted[0] as ShardId]), [{ leaseUntil: START + 90 * DAY }])
  t.match(await renew({ upTo: 4, count: 4, root }), { matched: true, until: START + 120 * DAY })
  const late = sampleShard('late')
  await putShard(host.call(device.peer), device, putOf(device, late))
  await host.clock.advance(10 * DAY)
  t.match(await renew({ upTo: 4, count: 4, root }), { matched: true }, 'later puts are not judged')
  const leases = await hasShards(host.call(device.peer), device, [sorted[0] as ShardId, late.id])
  t.match(leases, [{ leaseUntil: START + 130 * DAY }, { leaseUntil: START + 120 * DAY }])
})

t.test('renew: a mismatch can be narrowed down by prefix', async (t) => {
  const { host, device, ids } = await stored(t, 3)
  const prefix = (ids[0] as ShardId).subarray(0, 1)
  const under = ids.filter((id) => id[0] === prefix[0]).toSorted(Buffer.compare)
  const renewing = { upTo: 3, prefix, count: under.length, root: merkleRoot(under.map(leafHash)) }
  t.match(await renewLeases(host.call(device.peer), device, renewing), { matched: true, count: under.length })
  await releaseShards(host.call(device.peer), device, under)
  t.match(await renewLeases(host.call(device.peer), device, renewing), { matched: false, count: 0 })
})

import { cp, mkdir, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { toHex } from '../../../src/base/bytes.ts'
import { DAY } from '../../../src/base/clock.ts'
import type { Disk } from '../../../src/base/disk.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { noMetrics } from '../../../src/base/metrics.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { HostStore } from '../../../src/node/host/index.ts'
import { getHeads, getShard, hasShards, putHead, putShard, releaseShards } from '../../../src/node/protocols/index.ts'
import { SHARD_BYTES, type ShardId } from '../../../src/shard/index.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import {
  headOf,
  hostOptions,
  putOf,
  sampleShard,
  START,
  temporaryDirectory,
  testHost,
  type TestHost,
  TestVault,
} from '../storage-fixture.ts'

const never = new AbortController().signal
const hosted = (host: { directory: string }, ...parts: string[]) => join(host.directory, 'hosted', ...parts)

/** A host with `count` shards of one vault. */
async function filled(t: Parameters<typeof testHost>[0], count: number) {
  const host = await testHost(t)
  const vault = new TestVault()
  const device = vault.device()
  const shards = Array.from({ length: count }, (_, i) => sampleShard(`${t.name} ${String(i)}`))
  for (const shard of shards) await putShard(host.call(device.peer), device, putOf(device, shard))
  return { host, vault, device, ids: shards.map((shard) => shard.id) }
}

/** The same files as a new process finds them: after `stop`, or as a copy taken while the other one runs. */
async function reopen(t: Parameters<typeof testHost>[0], host: TestHost) {
  return testHost(t, { directory: host.directory, clock: host.clock })
}

t.test('a restart after a clean end finds everything as it was, without a rebuild', async (t) => {
  const { host, device, ids } = await filled(t, 3)
  const before = host.store.usage()
  await host.store.stop()
  const again = new HostStore(hostOptions(), deps(host))
  t.match(await again.open(), { vaults: 0, adopted: 0, lost: 0 })
  t.same(again.usage().storedBytes, before.storedBytes)
  t.match(await again.shards.lookup({ vault: device.vault, id: ids[2] as ShardId }), { number: 3 })
  await again.stop()
})

t.test('files are the truth when the metadata is gone', async (t) => {
  const { host, device, ids } = await filled(t, 5)
  await putHead(host.call(device.peer), device, headOf(device))
  await host.store.stop()
  await rm(hosted(host, 'metadata'), { recursive: true })
  for (const [i, id] of ids.entries()) {
    const time = new Date(START + i * 1000)
    await utimes(hosted(host, toHex(device.vault), toHex(id)), time, time)
  }
  const again = await reopen(t, host)
  t.match(again.store.vault(device.vault), { shards: 5, bytes: 5 * SHARD_BYTES })
  const presence = await hasShards(again.call(device.peer), device, ids)
  t.ok(presence.every((one) => one.state === 'held' && (one.leaseUntil ?? 0) >= START + 90 * DAY))
  const numbers = []
  for (const id of ids) numbers.push((await again.store.shards.lookup({ vault: device.vault, id }))?.number)
  t.same(numbers, [1, 2, 3, 4, 5], 'in the order in which they came')
  const next = await putShard(again.call(device.peer), device, putOf(device, sampleShard('after')))
  t.ok(next.number >= START, 'above every number that can have been given away')
  const [head] = await getHeads(again.call(device.peer), device, device.vault)
  t.equal(head?.notice.seq, 1)
  const older = putHead(again.call(device.peer), device, headOf(device, { seq: 1, body: 'other' }))
  await t.rejects(older, { code: 'STORAGE_HEAD_FORKED' }, 'refusals survive too')
})

t.test('a longer floor survives the loss of the metadata', async (t) => {
  const { host, vault, device, ids } = await filled(t, 2)
  const [one] = ids as [ShardId]
  await hasShards(host.call(device.peer), { ...device, terms: vault.terms({ floorDays: 300 }) }, ids)
  await hasShards(host.call(device.peer), { ...device, terms: vault.terms({ floorDays: 7 }) }, ids)
  await host.store.stop()
  await rm(hosted(host, 'metadata'), { recursive: true })
  const written = new Date(START)
  await utimes(hosted(host, toHex(vault.id), 'terms-longer'), written, written)
  const again = await reopen(t, host)
  const old = { ...device, terms: vault.terms({ floorDays: 7 }) }
  t.same(await releaseShards(again.call(device.peer), old, [one]), [START + 300 * DAY])
})

t.test('after a crash: unfinished bodies go, unknown files are adopted, lost files are forgotten', async (t) => {
  const { host, device, ids } = await filled(t, 3)
  const [lost, short, kept] = ids as [ShardId, ShardId, ShardId]
  const [extra, torn] = [sampleShard('extra'), sampleShard('torn')]
  // A copy of the files of a store that is still open is what a crash leaves.
  const crashed = { ...host, directory: await temporaryDirectory(t) }
  await cp(host.directory, crashed.directory, { recursive: true })
  const directory = toHex(device.vault)
  await rm(hosted(crashed, directory, toHex(lost)))
  await truncate(hosted(crashed, directory, toHex(short)), 4096)
  await writeFile(hosted(crashed, directory, toHex(extra.id)), extra.bytes)
  await writeFile(hosted(crashed, directory, toHex(torn.id)), torn.bytes.subarray(0, 4096))
  await writeFile(hosted(crashed, 'incoming', 'half'), 'half a body')
  await writeFile(hosted(crashed, directory, 'terms.0123456789ab.tmp'), 'half of new terms')
  const again = await reopen(t, crashed)
  t.same(await readdir(hosted(crashed, 'incoming')), [])
  t.notOk((await readdir(hosted(crashed, directory))).some((name) => name.endsWith('.tmp')))
  const presence = await hasShards(again.call(device.peer), device, [lost, short, kept, extra.id])
  t.same(
    presence.map((one) => one.state),
    ['missing', 'missing', 'held', 'held'],
  )
  t.equal((await readdir(hosted(crashed, 'damaged'))).length, 1, 'a file of the wrong length is put aside, not deleted')
  t.match(again.store.vault(device.vault), { shards: 3, next: 5 })
  t.equal((await getShard(again.call(device.peer), device, extra.id)).length, SHARD_BYTES)
  const healed = await putShard(again.call(device.peer), device, putOf(device, sampleShard(`${t.name} 1`)))
  t.equal(healed.number, 2, 'put again, the shard of the torn file keeps its number')
})

t.test('damaged metadata is built anew', async (t) => {
  const { host, device, ids } = await filled(t, 2)
  await host.store.stop()
  for (const name of await readdir(hosted(host, 'metadata'))) {
    if (/^(CURRENT|MANIFEST)/.test(name)) await writeFile(hosted(host, 'metadata', name), 'damage')
  }
  const again = await reopen(t, host)
  t.match(await hasShards(again.call(device.peer), device, ids), [{ state: 'held' }, { state: 'held' }])
})

t.test('metadata that another process holds is left alone', async (t) => {
  const { host } = await filled(t, 1)
  const second = new HostStore(hostOptions(), deps(host))
  await t.rejects(second.open(), { code: 'STORAGE_DATABASE' })
  t.equal(host.store.vaults().length, 1)
})

t.test('nothing is acknowledged when the disk fails, and the host goes on', async (t) => {
  for (const step of ['write', 'sync', 'rename', 'syncDirectory'] as const) {
    const faults = { step: undefined as string | undefined }
    const host = await testHost(t, { disk: faultyDisk(faults) })
    const device = new TestVault().device()
    const shard = sampleShard(step)
    faults.step = step
    await t.rejects(putShard(host.call(device.peer), device, putOf(device, shard)), { code: 'STORAGE_DISK_FULL' }, step)
    faults.step = undefined
    t.match(await hasShards(host.call(device.peer), device, [shard.id]), [{ state: 'missing' }], step)
    t.equal(host.store.usage().storedBytes, host.store.vault(device.vault)?.headBytes ?? 0, step)
    t.equal(host.store.usage().reservedBytes, 0, step)
    t.same(await readdir(hosted(host, 'incoming')), [], step)
    const receipt = await putShard(host.call(device.peer), device, putOf(device, shard))
    t.equal(receipt.number, 1, step)
  }
})

t.test('a start that fails half-way leaves the comparison to the next one', async (t) => {
  const { host, device, ids } = await filled(t, 2)
  const [lost, kept] = ids as [ShardId, ShardId]
  const crashed = { ...host, directory: await temporaryDirectory(t) }
  await cp(host.directory, crashed.directory, { recursive: true })
  const directory = toHex(device.vault)
  // As many files as rows: only the mark of the crash tells that they have to be compared.
  await rm(hosted(crashed, directory, toHex(lost)))
  await writeFile(hosted(crashed, directory, toHex(sampleShard('extra').id)), sampleShard('extra').bytes)
  const readdirFails = { ...systemDisk, readdir: () => Promise.reject(new Error('EIO')) }
  const broken = new HostStore(hostOptions(), { ...deps(crashed), disk: readdirFails })
  await t.rejects(broken.open())
  await broken.stop()
  const again = await reopen(t, crashed)
  const presence = await hasShards(again.call(device.peer), device, [lost, kept, sampleShard('extra').id])
  t.match(presence, [{ state: 'missing' }, { state: 'held' }, { state: 'held' }])
})

t.test('the sweeper runs by itself and stops with the store', async (t) => {
  const { host, device, ids } = await filled(t, 2)
  await host.store.stop()
  const store = new HostStore(hostOptions(), deps(host))
  await store.start()
  await store.releases.release(device.vault, ids, { order: new Uint8Array(1), floorDays: 7 })
  await host.clock.advance(7 * DAY - 1)
  t.equal(store.vault(device.vault)?.shards, 2)
  while (store.vault(device.vault)?.shards !== 0) await host.clock.advance(600_000)
  await store.stop()
  t.equal(await stat(hosted(host, toHex(device.vault), toHex(ids[0] as ShardId))).catch(() => 'gone'), 'gone')
})

t.test('a release interrupted between file and row is finished by the next start', async (t) => {
  const { host, device, ids } = await filled(t, 1)
  const [id] = ids as [ShardId]
  await releaseShards(host.call(device.peer), device, ids)
  await rm(hosted(host, toHex(device.vault), toHex(id)))
  await host.store.stop()
  const again = await reopen(t, host)
  t.match(await hasShards(again.call(device.peer), device, ids), [{ state: 'missing' }])
  t.match(again.store.vault(device.vault), { shards: 0, bytes: 0 })
  await host.clock.advance(30 * DAY)
  t.equal(await again.store.releases.sweep(never), 0)
})

t.test('hosted shards are listed with their leases', async (t) => {
  const { host, ids } = await filled(t, 3)
  const listed = []
  for await (const shard of host.store.hosted()) listed.push(shard)
  t.same(
    listed.map((shard) => toHex(shard.id)),
    ids.map(toHex).toSorted(),
  )
  t.ok(listed.every((shard) => shard.leaseUntil === START + 90 * DAY))
})

t.test('strange names in the directory disturb nothing', async (t) => {
  const { host, device } = await filled(t, 1)
  await host.store.stop()
  await mkdir(hosted(host, 'lost+found'))
  await writeFile(hosted(host, toHex(device.vault), 'head-nonsense'), 'x')
  await writeFile(hosted(host, toHex(device.vault), 'note'), 'x')
  await mkdir(hosted(host, 'f'.repeat(64)))
  const again = await reopen(t, host)
  t.equal(again.store.vault(device.vault)?.shards, 1)
})

function deps(host: TestHost) {
  return {
    disk: systemDisk,
    clock: host.clock,
    random: seededRandom('deps'),
    log: silentLogger,
    metrics: noMetrics,
    path: hosted(host),
  }
}

/** Fails with a full disk at the named step; only bodies are written through `open`. */
function faultyDisk(faults: { step: string | undefined }): Disk {
  const fail = (step: string) => {
    if (faults.step === step) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  return {
    ...systemDisk,
    async open(path, how, mode) {
      const file = await systemDisk.open(path, how, mode)
      return {
        ...file,
        async write(from, position) {
          await file.write(from.subarray(0, 1000), position)
          fail('write')
          await file.write(from, position)
        },
        async sync() {
          fail('sync')
          await file.sync()
        },
      }
    },
    async rename(from, to) {
      fail('rename')
      await systemDisk.rename(from, to)
    },
    async syncDirectory(path) {
      fail('syncDirectory')
      await systemDisk.syncDirectory(path)
    },
  }
}

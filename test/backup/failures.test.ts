/** What a failure or a cancelled backup leaves in a process that goes on: nothing that is missed or found by mistake. */
import Database from 'better-sqlite3'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Disk } from '../../src/base/disk.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import { failingBelow } from '../support/failing-disk.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('when the catalogue cannot commit, chunks that moved are found where they were', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'first'), noise('first', 300_000))
  const home = join(dir, 'home')
  const { keys } = newVault()
  const network = new MemoryNetwork(new MemoryHosts(3))
  let other: Database.Database | undefined
  let armed = false
  // Somebody else holds the catalogue from the moment the first shard is written.
  const disk: Disk = {
    ...systemDisk,
    open: (path, how, mode) => {
      if (armed && how === 'write' && String(path).startsWith(join(home, 'outbox'))) {
        other ??= new Database(join(home, 'catalog.db'))
        if (!other.inTransaction) other.exec('BEGIN IMMEDIATE')
      }
      return systemDisk.open(path, how, mode)
    },
  }
  const engine = await openEngine({ keys, home, network, disk })
  t.teardown(() => engine.close())
  await summaryOf(engine.backup({ paths: [source] }, never))
  const before = describeTree(source)

  writeFileSync(join(source, 'second'), noise('second', 300_000))
  armed = true
  await t.rejects(summaryOf(engine.backup({ paths: [source] }, never)))
  armed = false
  other?.exec('ROLLBACK')
  other?.close()
  t.same(readdirSync(join(home, 'outbox')), [], 'nothing nobody knows stays in the outbox')
  rmSync(join(source, 'second'))
  t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), {
    failed: [],
    files: 1,
  })
  t.same(describeTree(join(dir, 'out/source')), before)

  writeFileSync(join(source, 'third'), noise('third', 900_000))
  t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0, skipped: [] })
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
})

t.test('a cancelled backup gives the room in the outbox back', async (t) => {
  const dir = await temporaryDirectory(t)
  const network = new MemoryNetwork(new MemoryHosts(3))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const stop = new AbortController()
  async function* data(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 14; i++) yield noise(String(i), 1_100_000)
    stop.abort(new Error('cancelled'))
  }
  await t.rejects(summaryOf(engine.backup({ stream: { name: 'dump', data: data() } }, stop.signal)))
  t.match(engine.status(), { queuedBytes: 0, shards: 0, snapshots: 0 })
  t.same(readdirSync(join(dir, 'home/outbox')), [])
})

for (const what of ['a write', 'a sync'] as const) {
  t.test(`parity that ${what} failed for takes no room, however often it is tried`, async (t) => {
    const dir = await temporaryDirectory(t)
    const home = join(dir, 'home')
    const outbox = join(home, 'outbox')
    let armed = false
    let writes = 0
    const full = (): Promise<never> => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
    const disk: Disk = {
      ...systemDisk,
      open: (path, how, mode) => {
        const fails = armed && what === 'a write' && how === 'write' && String(path).startsWith(outbox)
        return fails && ++writes % 2 === 0 ? full() : systemDisk.open(path, how, mode)
      },
      syncDirectory: (path) =>
        armed && what === 'a sync' && path === outbox ? full() : systemDisk.syncDirectory(path),
    }
    const network = new MemoryNetwork(new MemoryHosts(6))
    const engine = await openEngine({ keys: newVault().keys, home, network, disk })
    t.teardown(() => engine.close())
    await summaryOf(engine.backup({ stream: { name: 'dump', data: dump() }, localOnly: true }, never))
    const before = readdirSync(outbox).sort()
    armed = true
    for (let i = 0; i < 3; i++) await t.rejects(summaryOf(engine.drain(never)))
    t.same(readdirSync(outbox).sort(), before)
    t.equal(engine.status().queuedBytes, before.length * 1_048_576)
    armed = false
    await summaryOf(engine.drain(never))
    t.match(engine.status(), { queuedBytes: 0, headPublished: true })
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
  })
}

async function* dump(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) yield noise(String(i), 1_100_000)
}

t.test('two recoveries at the same time: a third device takes both histories', async (t) => {
  const dir = await temporaryDirectory(t)
  const world = new MemoryHosts(3)
  const { phrase, keys } = newVault()
  const network = (): MemoryNetwork => new MemoryNetwork(world)
  const backUp = async (name: string, device: typeof keys): Promise<void> => {
    const file = join(dir, name)
    writeFileSync(file, name)
    const engine = await openEngine({ keys: device, home: join(dir, `home-${name}`), network: network() })
    const found = await network().findHeads()
    if (found.length > 0) await engine.adopt(found, never)
    t.match(await summaryOf(engine.backup({ paths: [file] }, never)), { queued: 0 })
    await engine.close()
  }
  await backUp('first', keys)
  const bundle = (await network().findHeads())[0]?.bundle
  const rivals = [deviceOf(phrase, bundle), deviceOf(phrase, bundle)] as const
  await backUp('one', rivals[0])
  await backUp('two', rivals[1])
  for (const [i, rival] of rivals.entries()) {
    const device = deviceOf(phrase, rival)
    const engine = await openEngine({ keys: device, home: join(dir, `last-${String(i)}`), network: network() })
    const adopted = await engine.adopt(await network().findHeads(), never)
    t.match(adopted, { snapshots: 3, alarms: [{ code: 'SECURITY_ROLLBACK' }] }, 'both are there, and it is said')
    await engine.close()
  }
})

t.test('an engine that cannot be opened lets go of everything: a later try in the same process succeeds', async (t) => {
  const dir = await temporaryDirectory(t)
  const home = join(dir, 'home')
  const setup = { keys: newVault().keys, home, network: new MemoryNetwork(new MemoryHosts(1)) }
  await (await openEngine(setup)).close()
  writeFileSync(join(home, 'outbox', 'left-behind'), '')
  await t.rejects(openEngine({ ...setup, disk: failingBelow(join(home, 'outbox'), 0).disk }), { code: 'EIO' })
  await (await openEngine(setup)).close()
})

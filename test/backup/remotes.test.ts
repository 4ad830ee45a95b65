import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { BackupEngine } from '../../src/backup/index.ts'
import type { Disk } from '../../src/base/disk.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

function shardFiles(directory: string): string[] {
  return readdirSync(join(directory, 'shards'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, 'shards', name))
    .filter((path) => statSync(path).isFile())
}

async function mirror(engine: BackupEngine): Promise<number> {
  await engine.remotes.look()
  return engine.remotes.mirror(never)
}

function makeSource(dir: string, seed: string): string {
  const source = join(dir, 'source')
  mkdirSync(source, { recursive: true })
  for (let i = 0; i < 4; i++)
    writeFileSync(join(source, `${seed}-${String(i)}`), noise(`${seed} ${String(i)}`, 1_500_000))
  return source
}

t.test('a remote added late gets everything; without hosts all comes back from it, and from it alone', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = makeSource(dir, 'a')
  const world = new MemoryHosts(8)
  const vault = newVault()
  const engine = await openEngine({ keys: vault.keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  const first = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(first, { queued: 0, k: 2, n: 5 })

  const disk = join(dir, 'disk')
  const added = await engine.remotes.add(disk)
  t.match(added, { state: 'present', complete: false, bytes: 0 })
  t.ok(added.missingBytes >= 5 * 1024 * 1024)
  t.ok((await mirror(engine)) >= 5)
  t.match(await engine.remotes.figures(disk), { complete: true, missingBytes: 0, bytes: added.missingBytes })
  t.equal(shardFiles(disk).length * 1024 * 1024, added.missingBytes, 'data shards only')
  t.equal(await mirror(engine), 0, 'nothing twice')

  const { safe } = engine.status()
  for (const host of world.hosts) host.mood = 'offline'
  t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
  t.ok(readFileSync(join(source, 'a-3')).equals(readFileSync(join(dir, 'out/source/a-3'))))
  t.equal(engine.status().safe, safe, 'a remote is no host')

  const other = await openEngine({
    keys: deviceOf(vault.phrase, vault.keys),
    home: join(dir, 'other'),
    network: new MemoryNetwork(new MemoryHosts(0)),
  })
  t.teardown(() => other.close())
  await other.remotes.add(disk)
  const adoption = await other.adopt(await other.findHeads(never), never)
  t.match(adoption, { snapshots: 1 })
  t.match(await summaryOf(other.restore({ snapshot: 'latest', to: join(dir, 'out2') }, never)), { failed: [] })
})

t.test('what rides in the head of a remote alone counts with no host', async (t) => {
  const dir = await temporaryDirectory(t)
  const network = new MemoryNetwork(new MemoryHosts(0))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  writeFileSync(join(dir, 'small'), 'small')
  await engine.remotes.add(join(dir, 'disk'))
  await summaryOf(engine.backup({ paths: [join(dir, 'small')] }, never))
  await mirror(engine)
  await summaryOf(engine.drain(never))
  t.match(engine.snapshots(), [{ placed: true, safe: 0 }])
  t.equal(engine.status().safe, 0)
})

t.test(
  'a drive that goes away and comes back is caught up; a head it holds names what hosts still wait for',
  async (t) => {
    const dir = await temporaryDirectory(t)
    const world = new MemoryHosts(8)
    const engine = await openEngine({
      keys: newVault().keys,
      home: join(dir, 'home'),
      network: new MemoryNetwork(world),
    })
    t.teardown(() => engine.close())
    const disk = join(dir, 'mount/disk')
    mkdirSync(join(dir, 'mount'))
    await engine.remotes.add(disk)
    await summaryOf(engine.backup({ paths: [makeSource(dir, 'a')] }, never))
    await mirror(engine)
    const before = shardFiles(disk).length

    renameSync(disk, join(dir, 'drawer'))
    mkdirSync(disk)
    t.match(engine.remotes.list(), [{ state: 'present' }], 'nobody has looked')
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true }, 'hosts have all')
    t.match(engine.remotes.list(), [{ state: 'absent' }], 'who reads looks first')
    for (const host of world.hosts) host.mood = 'full'
    const waiting = await summaryOf(engine.backup({ paths: [makeSource(dir, 'b')] }, never))
    t.ok(waiting.queued > 0)
    t.equal(await mirror(engine), 0)
    t.match(await engine.remotes.figures(disk), { state: 'absent', complete: false, freeBytes: null })
    t.same(readdirSync(disk), [], 'nothing is written into an empty mount point')

    rmSync(disk, { recursive: true })
    renameSync(join(dir, 'drawer'), disk)
    t.ok((await mirror(engine)) > 0)
    t.ok(shardFiles(disk).length > before)
    t.match(await engine.remotes.figures(disk), { state: 'present', complete: true, missingBytes: 0 })

    const victim = shardFiles(disk)[0] as string
    rmSync(victim)
    const other = shardFiles(disk)[0] as string
    writeFileSync(other, Buffer.alloc(1024 * 1024))
    const tried = await summaryOf(engine.remotes.test(disk, true, never))
    t.match(tried, { ok: false, bad: { length: 2 } })
    t.ok(tried.writeBytesPerSecond > 0)
    t.equal(await mirror(engine), 2, 'what is damaged or gone is copied again')
    t.match(await summaryOf(engine.remotes.test(disk, true, never)), { ok: true, bad: [], missing: 0 })
  },
)

t.test('a vault with a remote alone is one copy; what lies there goes to hosts when some come', async (t) => {
  const dir = await temporaryDirectory(t)
  const world = new MemoryHosts(0)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  const disk = join(dir, 'disk')
  await engine.remotes.add(disk)
  const source = makeSource(dir, 'a')
  const first = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(first, { queued: 0, k: 1, n: 1, safe: 0, belowTarget: true })
  await mirror(engine)
  t.match(engine.status(), { safe: 0, queued: 0, queuedBytes: 0 })
  t.match(engine.remotes.list(), [{ complete: true, state: 'present' }])
  t.throws(() => engine.remotes.remove(disk, false), { code: 'STORAGE_REMOTE_LAST_COPY' })
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })

  world.hosts.push(...new MemoryHosts(8).hosts)
  await summaryOf(engine.drain(never))
  const placed = await summaryOf(engine.drain(never))
  t.match(placed, { queued: 0 })
  t.ok((engine.status().safe ?? 0) > 0.99, 'hosts have it now')
  t.equal(engine.remotes.remove(disk, false), disk)
  rmSync(disk, { recursive: true })
  t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
})

t.test('damage on a remote shows while things are restored: hosts have them, and they are copied again', async (t) => {
  const dir = await temporaryDirectory(t)
  const network = new MemoryNetwork(new MemoryHosts(8))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const disk = join(dir, 'disk')
  const source = makeSource(dir, 'a')
  await engine.remotes.add(disk)
  await summaryOf(engine.backup({ paths: [source] }, never))
  await mirror(engine)
  const damages = [Buffer.alloc(1024 * 1024), Buffer.alloc(1000), Buffer.alloc(1024 * 1024 + 1)] as const
  shardFiles(disk).forEach((file, i) => {
    writeFileSync(file, damages[i % damages.length]!)
  })
  t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
  for (const name of readdirSync(source))
    t.ok(readFileSync(join(source, name)).equals(readFileSync(join(dir, 'out/source', name))), name)
  t.ok((await mirror(engine)) > 0, 'what was met')
})

t.test('a test of a full remote says that it is full', async (t) => {
  const dir = await temporaryDirectory(t)
  const network = new MemoryNetwork(new MemoryHosts(0))
  let room = true
  const disk: Disk = {
    ...systemDisk,
    async open(path, ...how) {
      const file = await systemDisk.open(path, ...how)
      const full = (): Promise<void> => Promise.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }))
      return room ? file : { ...file, write: full }
    },
  }
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network, disk })
  t.teardown(() => engine.close())
  const path = join(dir, 'disk')
  await engine.remotes.add(path)
  room = false
  await t.rejects(summaryOf(engine.remotes.test(path, false, never)), {
    code: 'STORAGE_REMOTE_FULL',
    details: { path },
  })
  room = true
  t.match(await summaryOf(engine.remotes.test(path, false, never)), { ok: true })
})

t.test('what is no place for a remote is refused', async (t) => {
  const dir = await temporaryDirectory(t)
  const open = (home: string): Promise<BackupEngine> =>
    openEngine({ keys: newVault().keys, home: join(dir, home), network: new MemoryNetwork(new MemoryHosts(0)) })
  const [one, two] = [await open('one'), await open('two')]
  t.teardown(() => Promise.all([one.close(), two.close()]))
  await one.remotes.add(join(dir, 'disk'))
  await t.rejects(two.remotes.add(join(dir, 'disk')), { code: 'STORAGE_REMOTE_FOREIGN' })
  await t.rejects(two.remotes.add(join(dir, 'no/such')), { code: 'STORAGE_REMOTE_ABSENT' })
  mkdirSync(join(dir, 'photos'))
  writeFileSync(join(dir, 'photos/a.jpg'), 'x')
  await t.rejects(two.remotes.add(join(dir, 'photos')), { code: 'STORAGE_REMOTE_FOREIGN' })
  await t.rejects(two.remotes.figures('nothing'), { code: 'STORAGE_NOT_FOUND' })
})

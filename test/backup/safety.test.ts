import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { failingBelow } from '../support/failing-disk.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, makeTree, noise } from '../support/source-tree.ts'
import { collect, deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('a restore never follows a link that waits for it in the target', async (t) => {
  const dir = await temporaryDirectory(t)
  mkdirSync(join(dir, 'source/sub'), { recursive: true })
  writeFileSync(join(dir, 'source/sub/file'), 'new')
  const engine = await openEngine({
    keys: newVault().keys,
    home: join(dir, 'home'),
    network: new MemoryNetwork(new MemoryHosts(1)),
  })
  t.teardown(() => engine.close())
  await summaryOf(engine.backup({ paths: [join(dir, 'source')] }, never))
  mkdirSync(join(dir, 'elsewhere'))
  mkdirSync(join(dir, 'out/source'), { recursive: true })
  symlinkSync(join(dir, 'elsewhere'), join(dir, 'out/source/sub'))
  const refused = await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.match(refused.failed, [{ code: 'STORAGE_TARGET_EXISTS' }])
  t.same(readdirSync(join(dir, 'elsewhere')), [])
  const replaced = await summaryOf(
    engine.restore({ snapshot: 'latest', to: join(dir, 'out'), overwrite: 'always' }, never),
  )
  t.match(replaced, { failed: [], files: 1 })
  t.same(readdirSync(join(dir, 'elsewhere')), [])
  rmSync(join(dir, 'out/source/sub/file'))
  symlinkSync(join(dir, 'elsewhere/victim'), join(dir, 'out/source/sub/file'))
  t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out'), overwrite: 'always' }, never)), {
    failed: [],
  })
  t.notOk(existsSync(join(dir, 'elsewhere/victim')))
  t.same(readdirSync(join(dir, 'out')), ['source'], 'nothing is left of the staging')
})

t.test('whenever the disk fails, what was acknowledged stays and the rest is stored again', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'first'), noise('first', 600_000))
  const world = new MemoryHosts(6)
  const { keys } = newVault()
  const home = join(dir, 'home')
  const small = { shardsPerCommit: 1 }
  const start = await openEngine({ keys, home, network: new MemoryNetwork(world), options: small })
  await summaryOf(start.backup({ paths: [source] }, never))
  await start.close()
  let survived = 0
  for (let failAt = 0; failAt < 12; failAt++) {
    writeFileSync(join(source, `file-${String(failAt)}`), noise(String(failAt), 1_600_000))
    const { disk } = failingBelow(join(home, 'outbox'), failAt)
    const broken = await openEngine({ keys, home, network: new MemoryNetwork(world), disk, options: small })
    const known = broken.snapshots().length
    const acknowledged = await summaryOf(broken.backup({ paths: [source] }, never)).then(
      () => true,
      () => false,
    )
    await broken.close()
    const engine = await openEngine({ keys, home, network: new MemoryNetwork(world), options: small })
    t.ok(engine.snapshots().length >= known + (acknowledged ? 1 : 0))
    await summaryOf(engine.drain(never))
    t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0, skipped: [] })
    t.same(readdirSync(join(home, 'outbox')), [], 'no orphan stays')
    if (!acknowledged) survived++
    await engine.close()
  }
  t.ok(survived >= 4)
  const network = new MemoryNetwork(world)
  await network.currentGroup()
  const engine = await openEngine({ keys, home, network })
  t.teardown(() => engine.close())
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
})

t.test('a full outbox holds sealing back until hosts take something', async (t) => {
  const dir = await temporaryDirectory(t)
  writeFileSync(join(dir, 'large'), noise('large', 12_000_000))
  const world = new MemoryHosts(1)
  const [host] = world.hosts
  if (host === undefined) return
  host.mood = 'full'
  const options = { maxOutboxBytes: 4 * 1_048_576, outboxRetryMs: 20, shardsPerCommit: 2 }
  const engine = await openEngine({
    keys: newVault().keys,
    home: join(dir, 'home'),
    network: new MemoryNetwork(world),
    options,
  })
  t.teardown(() => engine.close())
  const stop = new AbortController()
  const stuck = summaryOf(engine.backup({ paths: [join(dir, 'large')] }, stop.signal))
  let most = 0
  for (let i = 0; i < 200 && most < 4 * 1_048_576; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    most = Math.max(most, engine.status().queuedBytes)
  }
  t.equal(most, 4 * 1_048_576, 'never more')
  t.equal(engine.snapshots().length, 0)
  host.mood = 'well'
  t.match(await stuck, { queued: 0 })
  t.equal(engine.status().queuedBytes, 0)
})

t.test('a large index moves into shards, is merged, and is read back by whoever has the words', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const world = new MemoryHosts(6)
  const { phrase, keys } = newVault()
  const options = { maxInlineSegmentBytes: 100, maxIndexRoots: 2, maxInlineBytes: 2_000 }
  const engine = await openEngine({ keys, home: join(dir, 'home'), network: new MemoryNetwork(world), options })
  for (let i = 0; i < 5; i++) {
    writeFileSync(join(source, `file-${String(i)}`), noise(`index ${String(i)}`, 2_200_000))
    t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0 })
  }
  await engine.close()
  const found = await new MemoryNetwork(world).findHeads()
  const bundle = found[0]?.bundle
  if (bundle === undefined) return
  const again = await openEngine({
    keys: deviceOf(phrase, bundle),
    home: join(dir, 'new'),
    network: new MemoryNetwork(world),
    options,
  })
  t.teardown(() => again.close())
  t.match(await again.adopt(found, never), { headSeq: 5, snapshots: 5, alarms: [] })
  t.match(await summaryOf(again.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [], files: 5 })
  t.same(describeTree(join(dir, 'out/source')), describeTree(source))
  t.match(await summaryOf(again.backup({ paths: [source] }, never)), { queued: 0 })
  t.match(await summaryOf(again.verify({}, never)), { ok: true })
})

t.test('more snapshots than a head names; a lost index; a damaged head', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  makeTree(source)
  chmodSync(join(source, 'deep/er'), 0o755)
  const world = new MemoryHosts(3)
  const { phrase, keys } = newVault()
  const home = join(dir, 'home')
  const engine = await openEngine({ keys, home, network: new MemoryNetwork(world) })
  await summaryOf(engine.backup({ paths: [source] }, never))
  for (let i = 0; i < 68; i++) await summaryOf(engine.backup({ paths: [join(source, 'one')], localOnly: true }, never))
  t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0 })
  await engine.close()
  rmSync(join(home, 'index'), { recursive: true })
  const rebuilt = await openEngine({ keys, home, network: new MemoryNetwork(world) })
  t.match(await summaryOf(rebuilt.backup({ paths: [source] }, never)), { newShards: 0, queued: 0 })
  await rebuilt.close()
  const found = await new MemoryNetwork(world).findHeads()
  const [first, ...rest] = found
  if (first === undefined) return
  const sealed = Uint8Array.from(first.bundle.sealed)
  sealed[5000] = (sealed[5000] ?? 0) ^ 1
  const damaged = { ...first, bundle: { ...first.bundle, sealed } }
  const again = await openEngine({
    keys: deviceOf(phrase, first.bundle),
    home: join(dir, 'new'),
    network: new MemoryNetwork(world),
  })
  t.teardown(() => again.close())
  const adopted = await again.adopt([damaged, ...rest], never)
  t.match(adopted, { snapshots: 71, sources: 2, alarms: [{ code: 'SECURITY_SIGNATURE', peer: first.source }] })
  await t.rejects(again.adopt([damaged], never), { code: 'STORAGE_NO_HEAD' })
  const oldest = again.snapshots().at(-1)
  const entries = await collect(again.list(String(oldest?.id), '', { recursive: false, signal: never }))
  t.match(entries, [{ path: 'source' }])
})

import { readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toHex } from '../../src/base/bytes.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, makeTree, noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

/** NDJSON as chat exports have it: compresses about as well. */
function messages(from: number, bytes: number): string {
  const lines: string[] = []
  let size = 0
  for (let i = from; size < bytes; i++) {
    const text = noise(String(i), 24).toString('base64')
    const line = JSON.stringify({
      id: i,
      type: 'message',
      author: `user-${String(i % 50)}`,
      content: `${text} said on the channel`,
      reactions: [],
      attachments: [],
      pinned: false,
    })
    lines.push(line)
    size += line.length + 1
  }
  return `${lines.join('\n')}\n`
}

t.test('thirty small backups cost no thirty stripes', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'export.ndjson')
  const world = new MemoryHosts(8)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  writeFileSync(path, messages(0, 20_000_000))
  const first = await summaryOf(engine.backup({ paths: [path] }, never))
  t.match(first, { queued: 0, k: 2, n: 5 })
  const once = world.physicalBytes
  for (let i = 1; i < 30; i++) {
    writeFileSync(path, messages(i * 1_000_000, 20_000), { flag: 'a' })
    const next = await summaryOf(engine.backup({ paths: [path] }, never))
    if (next.queued !== 0) t.fail('something waits')
  }
  t.ok(world.physicalBytes <= 3 * once, `${String(world.physicalBytes / once)} times the first backup`)
  t.equal(engine.snapshots().filter((snapshot) => snapshot.placed).length, 30)
  const restored = await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
  t.match(restored, { failed: [] })
  t.ok(readFileSync(path).equals(readFileSync(join(dir, 'out/export.ndjson'))))
  const [, oldest] = [engine.snapshots()[0], engine.snapshots().at(-1)]
  t.match(await summaryOf(engine.restore({ snapshot: String(oldest?.id), to: join(dir, 'old') }, never)), {
    failed: [],
  })
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
})

t.test(
  'hosts that fail midway are replaced; lost hosts are made up for; words alone bring everything back',
  async (t) => {
    const dir = await temporaryDirectory(t)
    const source = join(dir, 'source')
    makeTree(source)
    t.teardown(() => {
      chmodSync(join(source, 'deep/er'), 0o755)
    })
    const world = new MemoryHosts(8)
    const network = new MemoryNetwork(world)
    const { phrase, keys } = newVault()
    const engine = await openEngine({ keys, home: join(dir, 'home'), network })
    network.beforePut = (count) => {
      const victim = world.hosts[2]
      if (count === 2 && victim !== undefined) victim.mood = 'offline'
    }
    const notes: string[] = []
    for await (const event of engine.backup({ paths: [source] }, never))
      if (event.type === 'note') notes.push(event.message)
      else if (event.type === 'summary') t.match(event, { queued: 0, k: 2, n: 5 })
    t.ok(notes.some((note) => note.includes('takes the place')))
    writeFileSync(join(source, 'later'), 'rides in the head')
    t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { newShards: 0, queued: 0 })
    await engine.close()
    rmSync(join(dir, 'home'), { recursive: true })

    // Any n − k of the holders are gone, the ones with data shards among them.
    for (const host of world.hosts.slice(0, 3)) host.mood = 'offline'
    const corrupt = world.hosts[3]
    const found = await new MemoryNetwork(world).findHeads()
    const bundle = found[0]?.bundle
    t.ok(bundle)
    if (bundle === undefined) return
    const again = await openEngine({
      keys: deviceOf(phrase, bundle),
      home: join(dir, 'new'),
      network: new MemoryNetwork(world),
    })
    t.teardown(() => again.close())
    const adopted = await again.adopt(found, never)
    t.match(adopted, { headSeq: 2, snapshots: 2, alarms: [] })
    t.equal(adopted.sources, 5)
    const out = join(dir, 'out')
    t.match(await summaryOf(again.restore({ snapshot: 'latest', to: out }, never)), { failed: [] })
    t.same(describeTree(join(out, 'source')), describeTree(source))
    chmodSync(join(out, 'source/deep/er'), 0o755)
    t.match(await summaryOf(again.backup({ paths: [source] }, never)), { newShards: 0, queued: 0 }, 'dedup works on')
    t.equal(
      (await again.adopt(await new MemoryNetwork(world).findHeads(), never)).snapshots,
      3,
      'adopting again adds nothing',
    )

    if (corrupt !== undefined) corrupt.mood = 'corrupt'
    const gone = world.hosts[4]
    if (gone !== undefined) gone.mood = 'missing'
    // They answer, but have nothing any more: gone for good.
    for (const host of world.hosts) if (host.mood === 'offline') host.mood = 'missing'
    const verified = await summaryOf(again.verify({ readDataPercent: 100 }, never))
    t.equal(verified.ok, false)
    t.ok(verified.bad.some(({ peer, why }) => peer === corrupt?.peer && why === 'corrupt'))
    t.ok(verified.lostStripes.length > 0)
    t.equal(verified.snapshotsHit.length, 3)
    t.ok(verified.filesHit.some(({ path }) => path === 'source/large'))
    const partly = await summaryOf(again.restore({ snapshot: 'latest', to: join(dir, 'partly') }, never))
    t.ok(partly.failed.some(({ code, path }) => code === 'STORAGE_UNRESTORABLE' && path.endsWith('/large')))
    // What was found lost is stored again by the next backup.
    for (const host of world.hosts) host.mood = 'well'
    const healing = await summaryOf(again.backup({ paths: [source] }, never))
    t.ok(healing.newShards > 0)
  },
)

t.test('without hosts a backup is safe here, and placed later', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  makeTree(source)
  t.teardown(() => {
    chmodSync(join(source, 'deep/er'), 0o755)
  })
  const world = new MemoryHosts(0)
  const { keys } = newVault()
  const home = join(dir, 'home')
  const engine = await openEngine({ keys, home, network: new MemoryNetwork(world) })
  const summary = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(summary, { k: null, safe: 0 })
  t.ok(summary.queued > 0)
  await engine.close()
  const later = await openEngine({ keys, home, network: new MemoryNetwork(new MemoryHosts(3)) })
  t.teardown(() => later.close())
  const out = join(dir, 'out')
  t.match(await summaryOf(later.restore({ snapshot: 'latest', to: out }, never)), { failed: [] }, 'from the outbox')
  chmodSync(join(out, 'source/deep/er'), 0o755)
  t.match(await summaryOf(later.drain(never)), { queued: 0, queuedBytes: 0, headHosts: 3 })
  const shards = later.shards()
  t.ok(shards.length >= 2)
  const detail = await later.shard(Buffer.from(String(shards[0]?.id), 'hex') as never, never)
  t.match(detail, { k: 1, holders: [{ state: 'held' }] })
  t.ok(detail.why[0]?.paths.length)
  t.ok((await later.fetchShard(Buffer.from(String(shards[0]?.id), 'hex') as never, never)).length === 1_048_576)
})

t.test('what rides in a head that nobody holds is not safe, however often one looks', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'small')
  writeFileSync(path, 'small')
  const world = new MemoryHosts(0)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  for (let round = 0; round < 2; round++) {
    t.match(await summaryOf(engine.backup({ paths: [path] }, never)), { safe: 0, belowTarget: true, queued: 1 })
    t.match(await summaryOf(engine.drain(never)), { queued: 1 })
    t.equal(engine.status().safe, 0)
  }
  t.match(engine.snapshots(), [{ safe: 0 }, { safe: 0 }])
})

t.test('one host that keeps stripes and head is one risk', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'large')
  writeFileSync(path, messages(0, 3_000_000))
  const network = new MemoryNetwork(new MemoryHosts(1))
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const { safe, newShards } = await summaryOf(engine.backup({ paths: [path] }, never))
  t.ok(newShards > 0)
  const rate = network.groups()[0]?.returnRates[0] ?? 0
  t.ok(Math.abs(Number(safe) - rate) < 1e-12, `${String(safe)} as its only host returns: ${String(rate)}`)
})

t.test('a full or garbage-serving host does not stop anything; a disk put back in time goes on', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'file')
  writeFileSync(path, noise('a', 2_500_000))
  const world = new MemoryHosts(6)
  const { keys } = newVault()
  const home = join(dir, 'home')
  const full = world.hosts[0]
  if (full !== undefined) full.mood = 'full'
  const engine = await openEngine({ keys, home, network: new MemoryNetwork(world) })
  t.match(await summaryOf(engine.backup({ paths: [path] }, never)), { queued: 0 })
  await engine.close()
  if (full !== undefined) full.mood = 'well'
  const hanging = world.hosts[1]
  if (hanging !== undefined) hanging.mood = 'hanging'
  const empty = await openEngine({ keys, home: join(dir, 'older'), network: new MemoryNetwork(world) })
  t.teardown(() => empty.close())
  const adopted = await empty.adopt(await new MemoryNetwork(world).findHeads(), never)
  t.match(adopted.alarms, [{ code: 'SECURITY_ROLLBACK' }])
  t.match(await summaryOf(empty.backup({ paths: [path] }, never)), { queued: 0, newShards: 0 })
  t.equal(empty.status().headSeq, 2)
  t.match(await summaryOf(empty.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
  t.equal(toHex(readFileSync(join(dir, 'out/file'))), toHex(readFileSync(path)))
})

/** An outbox that was lost with shards hosts do not have yet: said, stored again, and nothing waits for ever. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

for (const hosts of [1, 3, 6]) {
  t.test(`stripes formed for ${String(hosts)} hosts, not placed, and the outbox lost`, async (t) => {
    const dir = await temporaryDirectory(t)
    const source = join(dir, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), noise('file', 4_400_000))
    const home = join(dir, 'home')
    const { keys } = newVault()
    const world = new MemoryHosts(hosts)
    const away = await openEngine({ keys, home, network: new MemoryNetwork(world) })
    for (const host of world.hosts) host.mood = 'offline'
    const queued = await summaryOf(away.backup({ paths: [source] }, never))
    t.ok(queued.queued > 0)
    await away.close()
    rmSync(join(home, 'outbox'), { recursive: true })

    for (const host of world.hosts) host.mood = 'well'
    const network = new MemoryNetwork(world)
    await network.currentGroup()
    const engine = await openEngine({ keys, home, network })
    t.teardown(() => engine.close())
    const summary = await summaryOf(engine.backup({ paths: [source] }, never))
    t.match(summary, { queued: 0, skipped: [] })
    t.ok(summary.newBytes > 4_400_000, 'what is gone is stored again')
    t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
    t.same(describeTree(join(dir, 'out/source')), describeTree(source))
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
    t.match(engine.status(), { headPublished: true, queued: 0, queuedBytes: 0 })
  })
}

t.test('only some bodies are lost: what is left goes into stripes again', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'file'), noise('file', 4_400_000))
  const { keys } = newVault()
  for (let lost = 0; lost < 8; lost++) {
    const world = new MemoryHosts(6)
    const home = join(dir, `home-${String(lost)}`)
    for (const host of world.hosts) host.mood = 'offline'
    const away = await openEngine({ keys, home, network: new MemoryNetwork(world) })
    await summaryOf(away.backup({ paths: [source] }, never))
    await away.close()
    const bodies = readdirSync(join(home, 'outbox')).sort()
    for (const body of bodies.slice(lost, lost + 2)) rmSync(join(home, 'outbox', body))
    for (const host of world.hosts) host.mood = 'well'
    const engine = await openEngine({ keys, home, network: new MemoryNetwork(world) })
    t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0, skipped: [] })
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
    t.same(readdirSync(join(home, 'outbox')), [])
    await engine.close()
  }
})

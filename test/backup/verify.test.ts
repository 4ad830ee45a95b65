import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('holders out of reach are told, but only what is gone for good is stored again', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'random')
  writeFileSync(path, noise('verify', 3_000_000))
  const world = new MemoryHosts(8)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(world) })
  t.teardown(() => engine.close())
  t.match(await summaryOf(engine.backup({ paths: [path] }, never)), { queued: 0 })

  for (const readDataPercent of [0, 100]) {
    for (const host of world.hosts) host.mood = 'offline'
    const verified = await summaryOf(engine.verify({ readDataPercent }, never))
    t.match(verified, { ok: false, lostStripes: [String], filesHit: [{ path: String }] })
    for (const host of world.hosts) host.mood = 'well'
    t.match(
      await summaryOf(engine.backup({ paths: [path] }, never)),
      { newShards: 0 },
      'they came back: nothing is new',
    )
    t.match(await summaryOf(engine.verify({ readDataPercent }, never)), { ok: true })
  }

  for (const host of world.hosts) host.shards.clear()
  t.match(await summaryOf(engine.verify({}, never)), { ok: false })
  const healed = await summaryOf(engine.backup({ paths: [path] }, never))
  t.ok(healed.newShards >= 3, 'what is gone is stored again')
})

/** A device that may store and nothing else, beside one that may do everything. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { allGrants } from '../../src/crypto/certificate.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

async function pair(t: Parameters<typeof temporaryDirectory>[0], believes?: typeof allGrants) {
  const { phrase, keys } = newVault()
  const dir = await temporaryDirectory(t)
  const world = new MemoryHosts(3)
  const network = () => new MemoryNetwork(world)
  const bound = deviceOf(phrase, keys, ['store', 'head'])
  const open = (of: typeof keys, home: string) =>
    openEngine({ keys: of, home: join(dir, home), network: network(), options: { maxInlineBytes: 2_000 } })
  const nas = await open(believes === undefined ? bound : { ...bound, grants: believes }, 'nas')
  const full = await open({ ...keys, authority: bound.authority }, 'full')
  t.teardown(async () => {
    await nas.close()
    await full.close()
  })
  const backUp = async (engine: typeof nas, name: string) => {
    const path = join(dir, name)
    writeFileSync(path, noise(name, 700_000))
    return summaryOf(engine.backup({ paths: [path], name }, never))
  }
  const sync = async (engine: typeof nas) => engine.sync(await network().findHeads(), never)
  return { dir, world, nas, full, backUp, sync }
}

t.test('it stores and verifies, and what needs another right says so at once', async (t) => {
  const { dir, nas, full, backUp, sync } = await pair(t)
  for (const name of ['a', 'b']) t.match(await backUp(nas, name), { queued: 0, skipped: [] })
  t.match(await summaryOf(nas.verify({}, never)), { ok: true, checked: { snapshots: 2 }, bad: [] })
  const refused = { code: 'AUTH_GRANT_MISSING' }
  await t.rejects(summaryOf(nas.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), refused)
  await t.rejects(summaryOf(nas.verify({ readDataPercent: 1 }, never)), refused)
  await t.rejects(summaryOf(nas.prune({}, never)), refused)
  const [latest] = nas.snapshots()
  t.throws(() => nas.forget({ snapshots: [String(latest?.id)] }), refused)
  t.match(nas.forget({ policy: { keepLast: 1 }, dryRun: true }), { kept: Array }, 'what would go can be asked')
  await sync(full)
  t.match(await summaryOf(full.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { files: 1, failed: [] })
})

t.test('a lost shard is seen without reading', async (t) => {
  const { world, nas, backUp } = await pair(t)
  await backUp(nas, 'a')
  for (const { shards } of world.hosts) shards.clear()
  const [hit] = nas.snapshots()
  t.match(await summaryOf(nas.verify({}, never)), { ok: false, snapshotsHit: [hit?.id] })
})

t.test('nobody believes what a stolen one wants forgotten', async (t) => {
  const { nas: stolen, full, backUp, sync } = await pair(t, allGrants)
  await backUp(full, 'precious')
  await backUp(stolen, 'own')
  await sync(stolen)
  const precious = stolen.snapshots().find(({ name }) => name === 'precious')
  t.equal(stolen.forget({ snapshots: [String(precious?.id)] }).removed.length, 1)
  await summaryOf(stolen.drain(never))
  await sync(full)
  t.match(full.others(), [{ seq: Number, snapshots: 1 }], 'its newest head is known')
  t.same(
    full
      .snapshots()
      .map(({ name }) => name)
      .sort(),
    ['own', 'precious'],
  )
})

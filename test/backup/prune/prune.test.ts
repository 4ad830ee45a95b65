/** Forget, prune, verify, restore: what nobody needs is gone from the disk, everything else comes back the same. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DirectoryNetwork, type BackupEngine } from '../../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../../src/daemon/system/index.ts'
import { MemoryHosts, MemoryNetwork } from '../../support/memory-network.ts'
import { describeTree, noise } from '../../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../support/vault.ts'

const MiB = 1_048_576

/** Bytes of shards that lie below a directory. */
function stored(store: string): number {
  const files = readdirSync(join(store, 'shards'), { recursive: true, withFileTypes: true })
  return files
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}

function directory(path: string): DirectoryNetwork {
  return new DirectoryNetwork({ directory: path }, { disk: systemDisk, clock: systemClock })
}

async function restores(
  engine: BackupEngine,
  snapshot: string,
  to: { out: string; expected: string[] },
): Promise<boolean> {
  rmSync(to.out, { recursive: true, force: true })
  const summary = await summaryOf(engine.restore({ snapshot, to: to.out }, never))
  return summary.failed.length === 0 && JSON.stringify(describeTree(to.out)) === JSON.stringify(to.expected)
}

t.test('on a directory the files of what was forgotten go, and what stays is intact', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  const store = join(dir, 'store')
  mkdirSync(source)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: directory(store) })
  t.teardown(() => engine.close())
  writeFileSync(join(source, 'stays'), noise('stays', 3 * MiB))
  writeFileSync(join(source, 'goes'), noise('goes', 6 * MiB))
  const first = await summaryOf(engine.backup({ paths: [source] }, never))
  rmSync(join(source, 'goes'))
  writeFileSync(join(source, 'new'), noise('new', 2 * MiB))
  const second = await summaryOf(engine.backup({ paths: [source] }, never))
  const expected = [...describeTree(dir).filter((line) => line.includes('/source'))]
  const before = stored(store)

  t.match(await summaryOf(engine.prune({}, never)), { freedBytes: 0, dropped: 0, repacked: 0 })
  t.equal(stored(store), before, 'nothing was forgotten')
  t.match(await summaryOf(engine.prune({ dryRun: true, without: [String(first.snapshot)] }, never)), { dryRun: true })

  const forgotten = engine.forget({ policy: { keepLast: 1 } })
  t.same(
    forgotten.removed.map(({ id }) => id),
    [first.snapshot],
  )
  t.match(forgotten.kept, [{ snapshot: { id: second.snapshot }, reasons: ['last snapshot'] }])
  t.same(
    engine.snapshots().map(({ id }) => id),
    [second.snapshot],
    'hidden at once',
  )
  t.throws(() => engine.resolve(String(first.snapshot)), { code: 'STORAGE_SNAPSHOT_NOT_FOUND' })

  const estimate = await summaryOf(engine.prune({ dryRun: true }, never))
  t.equal(stored(store), before, 'a dry run changes nothing')
  const pruned = await summaryOf(engine.prune({}, never))
  t.match(pruned, { waitingFor: [], waitingStripes: 0, waitingSnapshots: 0, missingChunks: 0 })
  t.ok(pruned.freedBytes >= 5 * MiB)
  t.equal(before - stored(store), pruned.freedBytes, 'freed is what is gone from the disk')
  t.ok(Math.abs(estimate.freedBytes - pruned.freedBytes) <= MiB)
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
  t.ok(await restores(engine, 'latest', { out: join(dir, 'out'), expected }))

  t.match(await summaryOf(engine.prune({}, never)), { freedBytes: 0, dropped: 0, repacked: 0 }, 'nothing is left to do')
  writeFileSync(join(source, 'goes'), noise('goes', 6 * MiB))
  const again = await summaryOf(engine.backup({ paths: [source] }, never))
  t.ok(again.newBytes >= 5 * MiB, 'what was freed counts as unknown')
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
})

t.test('thin stripes are packed again', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  const store = join(dir, 'store')
  mkdirSync(source)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network: directory(store) })
  t.teardown(() => engine.close())
  // Every shard holds a few chunks of what stays among many that go.
  for (let i = 0; i < 60; i++) writeFileSync(join(source, String(i).padStart(3, '0')), noise(String(i), 200_000))
  await summaryOf(engine.backup({ paths: [source] }, never))
  for (let i = 0; i < 60; i++) if (i % 5 !== 0) rmSync(join(source, String(i).padStart(3, '0')))
  await summaryOf(engine.backup({ paths: [source] }, never))
  const expected = [...describeTree(dir).filter((line) => line.includes('/source'))]
  const before = stored(store)
  engine.forget({ policy: { keepLast: 1 } })
  const estimate = await summaryOf(engine.prune({ dryRun: true }, never))
  const pruned = await summaryOf(engine.prune({}, never))
  t.ok(pruned.repacked >= 5, 'by packing again')
  t.equal(before - stored(store), pruned.freedBytes)
  t.ok(pruned.freedBytes >= 6 * MiB)
  t.ok(Math.abs(estimate.freedBytes - pruned.freedBytes) <= 2 * MiB)
  t.ok(stored(store) <= 5 * MiB)
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true })
  t.ok(await restores(engine, 'latest', { out: join(dir, 'out'), expected }))
  t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { newShards: 0 }, 'what moved is found again')
})

t.test('on hosts, with parity, index roots and lists of older snapshots; recovered from the words', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const world = new MemoryHosts(6)
  const { keys, phrase } = newVault()
  const options = { maxInlineSegmentBytes: 600, maxIndexRoots: 3, maxInlineBytes: 3_000 }
  const engine = await openEngine({ keys, home: join(dir, 'home'), network: new MemoryNetwork(world), options })
  const ids: string[] = []
  for (let i = 0; i < 70; i++) {
    writeFileSync(join(source, 'changing'), noise(String(i), i % 10 === 0 ? 2_500_000 : 1_000))
    if (i % 35 === 0) writeFileSync(join(source, `kept-${String(i)}`), noise(`kept ${String(i)}`, 1_000_000))
    ids.push(String((await summaryOf(engine.backup({ paths: [source] }, never))).snapshot))
  }
  const expected = [...describeTree(dir).filter((line) => line.includes('/source'))]
  const before = world.physicalBytes
  const { removed } = engine.forget({ policy: { keepLast: 3 } })
  t.equal(removed.length, 67)
  const pruned = await summaryOf(engine.prune({}, never))
  t.match(pruned, { waitingStripes: 0, waitingSnapshots: 0, missingChunks: 0 })
  await engine.close()
  // The floor runs out.
  for (const { shards, released } of world.hosts) for (const id of released) shards.delete(id)
  t.ok(before - world.physicalBytes >= pruned.freedBytes, 'with what backups replaced before')
  t.ok(pruned.freedBytes >= 10 * MiB)

  const network = new MemoryNetwork(world)
  const found = await network.findHeads()
  const again = await openEngine({
    keys: deviceOf(phrase, found[0]?.bundle),
    home: join(dir, 'again'),
    network,
    options,
  })
  t.teardown(() => again.close())
  t.match(await again.adopt(found, never), { snapshots: 3, alarms: { length: 0 } })
  t.same(
    again.snapshots().map(({ id }) => id),
    ids.slice(-3).toReversed(),
  )
  t.match(await summaryOf(again.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
  t.ok(await restores(again, 'latest', { out: join(dir, 'out'), expected }))
})

t.test('what may not be forgotten', async (t) => {
  const dir = await temporaryDirectory(t)
  writeFileSync(join(dir, 'file'), 'x')
  const engine = await openEngine({
    keys: newVault().keys,
    home: join(dir, 'home'),
    network: directory(join(dir, 'store')),
  })
  t.teardown(() => engine.close())
  const one = await summaryOf(engine.backup({ paths: [join(dir, 'file')], name: 'a', tags: ['t'] }, never))
  const two = await summaryOf(engine.backup({ paths: [join(dir, 'file')], name: 'b' }, never))
  t.throws(() => engine.forget({}), { code: 'VALIDATION_USAGE' })
  t.throws(() => engine.forget({ policy: { keepLast: 0, keepDaily: 0 } }), { code: 'VALIDATION_USAGE' })
  t.throws(() => engine.forget({ policy: { keepTags: [['none']] } }), { code: 'STORAGE_FORGET_ALL' })
  t.throws(() => engine.forget({ snapshots: [String(one.snapshot), String(two.snapshot)] }), {
    code: 'STORAGE_FORGET_ALL',
  })
  t.throws(() => engine.forget({ snapshots: ['latest'], policy: { keepLast: 1 } }), { code: 'VALIDATION_USAGE' })
  t.throws(() => engine.forget({ snapshots: ['ffffffff'] }), { code: 'STORAGE_SNAPSHOT_NOT_FOUND' })
  t.equal(engine.snapshots().length, 2)
  t.equal(engine.forget({ policy: { keepLast: 1 } }).removed.length, 0, 'each source for itself')
  t.equal(engine.forget({ policy: { keepLast: 1 }, groupBy: ['device'], dryRun: true }).removed.length, 1)
  t.equal(engine.snapshots().length, 2)
  t.match(engine.forget({ snapshots: ['latest'], filter: { name: 'a' } }), { removed: [{ id: one.snapshot }] })
  t.match(engine.snapshots(), [{ id: two.snapshot }])
})

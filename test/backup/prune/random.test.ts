/**
 * Random histories of backups, forgets, prunes and disks that fail midway, against a model: a snapshot that was not
 * forgotten is always complete. Two devices share the vault; each holds alive what the other needs.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Clock } from '../../../src/base/clock.ts'
import type { BackupEngine } from '../../../src/backup/index.ts'
import { DAY } from '../../../src/base/clock.ts'
import { systemClock } from '../../../src/daemon/system/index.ts'
import { failingBelow } from '../../support/failing-disk.ts'
import { MemoryHosts, MemoryNetwork } from '../../support/memory-network.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { describeTree, noise } from '../../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../support/vault.ts'

const options = {
  ...{ maxInlineSegmentBytes: 300, maxIndexRoots: 2, maxInlineBytes: 2_000, shardsPerCommit: 1 },
  chunk: { minBytes: 16_384, averageBytes: 65_536, maxBytes: 262_144 },
}

/** A snapshot that has to come back, and as what. */
interface Expected {
  readonly id: string
  readonly tree: string
}

function treeText(path: string): string {
  return JSON.stringify(describeTree(path))
}

async function comesBack(engine: BackupEngine, { id, tree }: Expected, out: string): Promise<boolean> {
  rmSync(out, { recursive: true, force: true })
  const { failed } = await summaryOf(engine.restore({ snapshot: id, to: out }, never))
  return failed.length === 0 && treeText(join(out, 'source')) === tree
}

/** The floor runs out for everything hosts were told to release. */
function runOut(world: MemoryHosts): void {
  for (const { shards, released } of world.hosts) {
    for (const id of released) shards.delete(id)
    released.clear()
  }
}

const isLong = process.env['PLEXICHAT_TEST_LONG'] === '1'
const seeds = isLong ? Array.from({ length: 50 }, (_, i) => i + 1) : [2]

for (const seed of seeds)
  t.test(`no kept snapshot is ever lost, history ${String(seed)}`, async (t) => {
    const dir = await temporaryDirectory(t)
    const random = seededRandom(seed)
    const source = join(dir, 'source')
    mkdirSync(source)
    const world = new MemoryHosts(3)
    const { keys } = newVault()
    const home = join(dir, 'home')
    let kept: Expected[] = []
    let crashes = 0
    for (let step = 0; step < 14; step++) {
      const name = `file-${String(random.below(5))}`
      if (random.below(4) === 0) rmSync(join(source, name), { force: true })
      writeFileSync(join(source, 'always'), String(step))
      writeFileSync(join(source, name), noise(`${String(seed)} ${String(step)}`, 1 + random.below(1_500_000)))
      const crash = random.below(3) === 0
      const disk = crash ? { disk: failingBelow(home, random.below(12)).disk } : {}
      let engine: BackupEngine | undefined
      try {
        engine = await openEngine({ keys, home, network: new MemoryNetwork(world), options, ...disk })
        const { snapshot } = await summaryOf(engine.backup({ paths: [source] }, never))
        kept.push({ id: String(snapshot), tree: treeText(source) })
        if (kept.length > 1 && random.below(2) === 0) {
          const { removed } = engine.forget({ policy: { keepLast: 1 + random.below(3) } })
          kept = kept.filter(({ id }) => !removed.some((gone) => gone.id === id))
        }
        if (random.below(2) === 0) await summaryOf(engine.prune({}, never))
      } catch (error) {
        if (!crash) throw error
        crashes++
      }
      await engine?.close().catch(() => undefined)
      runOut(world)
    }
    const engine = await openEngine({ keys, home, network: new MemoryNetwork(world), options })
    t.teardown(() => engine.close())
    await summaryOf(engine.drain(never))
    await summaryOf(engine.prune({}, never))
    runOut(world)
    // A backup that failed after its snapshot was made is known to the engine alone.
    const listed = new Set(engine.snapshots().map(({ id }) => id))
    for (const each of kept) {
      t.ok(listed.has(each.id))
      t.ok(await comesBack(engine, each, join(dir, 'out')), each.id.slice(0, 8))
    }
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
    t.comment(`${String(crashes)} crashes`)
  })

t.test('two devices: what the other needs stays, what both know of goes', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const world = new MemoryHosts(3)
  const { keys, phrase } = newVault()
  let now = systemClock.now()
  const clock: Clock = { ...systemClock, now: () => now }
  const first = await openEngine({ keys, home: join(dir, 'first'), network: new MemoryNetwork(world), options, clock })
  t.teardown(() => first.close())
  writeFileSync(join(source, 'shared'), noise('shared', 3_000_000))
  writeFileSync(join(source, 'gone'), noise('gone', 3_000_000))
  const old = await summaryOf(first.backup({ paths: [source], name: 'first' }, never))

  const network = new MemoryNetwork(world)
  const found = await network.findHeads()
  const bundle = found[0]?.bundle
  const second = await openEngine({
    keys: deviceOf(phrase, bundle),
    home: join(dir, 'second'),
    network,
    options,
    clock,
  })
  t.teardown(() => second.close())
  await second.sync(found, never)
  rmSync(join(source, 'gone'))
  const dedup = await summaryOf(second.backup({ paths: [source], name: 'second' }, never))
  t.ok(dedup.newBytes < 1_000_000, 'the second device relies on what the first stored')
  const tree = treeText(source)

  writeFileSync(join(source, 'own'), noise('own', 500_000))
  rmSync(join(source, 'shared'))
  await summaryOf(first.backup({ paths: [source], name: 'first' }, never))
  first.forget({ snapshots: [String(old.snapshot)] })
  const early = await summaryOf(first.prune({}, never))
  runOut(world)
  const other = { id: String(dedup.snapshot), tree }
  t.ok(await comesBack(second, other, join(dir, 'out')), 'the other device’s snapshot is complete')
  t.match(await summaryOf(second.verify({ snapshot: other.id, readDataPercent: 100 }, never)), { ok: true })

  // The second device learns of it; what it does not need is free then.
  await second.sync(await network.findHeads(), never)
  await summaryOf(second.backup({ paths: [source], name: 'second' }, never))
  await summaryOf(second.prune({}, never))
  const then = await summaryOf(first.prune({}, never))
  now += 15 * DAY
  const late = await summaryOf(first.prune({}, never))
  runOut(world)
  t.ok(early.freedBytes + then.freedBytes + late.freedBytes >= 2_000_000, 'what both know of goes')
  t.match(late, { waitingFor: [], waitingSnapshots: 0 })
  t.ok(await comesBack(second, other, join(dir, 'out')))
  // What the first has given up since, the second would miss with hosts.
  await second.sync(await network.findHeads(), never)
  for (const engine of [first, second])
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, snapshotsHit: { length: 0 } })
})

for (const seed of isLong ? seeds : [1])
  t.test(`two devices that store and forget the same things, history ${String(seed)}`, async (t) => {
    const dir = await temporaryDirectory(t)
    const random = seededRandom(seed)
    const world = new MemoryHosts(random.below(2) === 0 ? 1 : 6)
    const { keys, phrase } = newVault()
    const another = deviceOf(phrase, keys)
    const open = (device: typeof keys, name: string): ReturnType<typeof openEngine> =>
      openEngine({ keys: device, home: join(dir, name), network: new MemoryNetwork(world), options })
    const engines = [await open(keys, 'one'), await open(another, 'two')] as const
    for (const engine of engines) t.teardown(() => engine.close())
    const source = join(dir, 'source')
    const kept = new Map<string, Expected>()
    const sync = async (engine: BackupEngine): Promise<void> => {
      const heads = await new MemoryNetwork(world).findHeads()
      if (heads.length > 0) await engine.sync(heads, never)
    }
    const steps: ((engine: BackupEngine, own: string) => Promise<unknown>)[] = [
      async (engine, own) => {
        rmSync(source, { recursive: true, force: true })
        mkdirSync(source)
        for (const name of ['a', 'b', 'c', 'd', 'e'])
          if (random.below(2) === 0) writeFileSync(join(source, name), noise(name, 700_000))
        const request = { paths: [source], name: own, localOnly: random.below(2) === 0 }
        const { snapshot } = await summaryOf(engine.backup(request, never))
        kept.set(String(snapshot), { id: String(snapshot), tree: treeText(source) })
      },
      (engine) => {
        const all = engine.snapshots()
        const one = all[random.below(Math.max(1, all.length))]
        if (one !== undefined && all.length > 1) engine.forget({ snapshots: [one.id] })
        if (one !== undefined && all.length > 1) kept.delete(one.id)
        return Promise.resolve()
      },
      (engine) => summaryOf(engine.drain(never)),
      (engine) => sync(engine),
      (engine) => summaryOf(engine.prune({}, never)),
    ]
    for (let i = 0; i < 60; i++) {
      const which = random.below(2)
      const engine = engines[which] as BackupEngine
      await steps[random.below(steps.length)]?.(engine, String(which))
      if (random.below(10) > 0) continue
      // The floor is longer than devices go without a look at each other.
      for (const each of [...engines, ...engines]) {
        await sync(each)
        await summaryOf(each.drain(never))
      }
      runOut(world)
      for (const each of engines)
        for (const one of kept.values()) t.ok(await comesBack(each, one, join(dir, 'out')), one.id.slice(0, 8))
    }
  })

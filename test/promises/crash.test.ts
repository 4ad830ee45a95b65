/**
 * Promise: a crash at any write, sync or rename of backup, placing, forgetting and pruning loses nothing acknowledged,
 * unsynced data torn at random. Every image of the disk is opened, checked, and worked on.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import type { Disk } from '../../src/base/disk.ts'
import type { Random } from '../../src/base/random.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import type { ShardNetwork } from '../../src/shard/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { TornDisk } from '../support/torn-disk.ts'
import { newVault, never, openEngine, summaryOf, temporaryDirectory, type TestVault } from '../support/vault.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const IMAGES = long ? 1_000 : 8
/** Points of one run are few hundred: the bounded suite looks at some of them, the long one at all, over many seeds. */
const SHARE = long ? 1 : 0.06
const SEED = 'crash'

interface World {
  readonly dir: string
  readonly vault: TestVault
  readonly random: Random
  /** Snapshots whose backup ended well and that nobody forgot. */
  readonly acknowledged: Map<string, readonly string[]>
  readonly source: string
}

type Place = 'hosts' | 'directory'

for (const place of ['hosts', 'directory'] as const)
  t.test(`crashes while working with ${place}`, async (t) => {
    const wanted = IMAGES / 2
    let images = 0
    let points = 0
    for (let round = 0; images < wanted; round++) {
      const seen = await oneLife(t, place, `${SEED} ${place} ${String(round)}`, wanted - images)
      images += seen.images
      points += seen.points
    }
    t.comment(`${String(images)} images at ${String(points)} points`)
    t.ok(points >= images)
  })

/** Backs up, changes, backs up, forgets, prunes and backs up again on one disk; looks at images on the way. */
async function oneLife(
  t: Test,
  place: Place,
  seed: string,
  wanted: number,
): Promise<{ images: number; points: number }> {
  const dir = await temporaryDirectory(t)
  const random = seededRandom(seed)
  const source = join(dir, 'source')
  mkdirSync(source)
  const world: World = { dir, vault: newVault(), random, acknowledged: new Map(), source }
  const hosts = new MemoryHosts(5)
  let images = 0
  const torn = new TornDisk({
    root: join(dir, 'world'),
    random,
    async atPoint(point) {
      // Hundreds of empty folders made in a row are one point.
      if (point.what === 'mkdir' || images >= wanted || random.below(1_000) >= SHARE * 1_000) return
      images++
      const image = join(dir, `image-${String(images)}`)
      torn.crash(image)
      await survives(t, { world, image, place, hosts: copyOf(hosts), where: `${point.what} ${point.path}` })
      rmSync(image, { recursive: true })
    },
  })
  mkdirSync(join(dir, 'world'))
  const network = networkOf(place, { root: join(dir, 'world'), hosts, disk: torn.disk })
  const setup = { keys: world.vault.keys, network, disk: torn.disk, options: { shardsPerCommit: 2 } }
  const engine = await openEngine({ ...setup, home: join(dir, 'world/home') })
  for (const step of ['first', 'second', 'third']) {
    writeFileSync(join(source, step === 'third' ? 'first' : step), noise(`${seed} ${step}`, 1_400_000))
    writeFileSync(join(source, 'note'), step)
    const tree = describeTree(source)
    const { snapshot } = await summaryOf(engine.backup({ paths: [source], name: step }, never))
    world.acknowledged.set(snapshot ?? '', tree)
  }
  const [oldest = ''] = world.acknowledged.keys()
  world.acknowledged.delete(oldest)
  engine.forget({ snapshots: [oldest] })
  await summaryOf(engine.prune({}, never))
  await engine.close()
  return { images, points: torn.points }
}

interface Image {
  readonly world: World
  readonly image: string
  readonly place: Place
  readonly hosts: MemoryHosts
  readonly where: string
}

/** All that was acknowledged is there and restores; work goes on; nothing is left over. */
async function survives(t: Test, { world, image, place, hosts, where }: Image): Promise<void> {
  const acknowledged = [...world.acknowledged]
  const home = join(image, 'home')
  const network = networkOf(place, { root: image, hosts, disk: systemDisk })
  await network.currentGroup(never)
  const engine = await openEngine({ keys: world.vault.keys, home, network })
  try {
    const known = new Set(engine.snapshots().map(({ id }) => id))
    for (const [id, tree] of acknowledged) {
      if (!known.has(id)) t.fail('an acknowledged snapshot is lost', { where, id })
      const to = join(image, `restored-${id.slice(0, 8)}`)
      const { failed } = await summaryOf(engine.restore({ snapshot: id, to }, never))
      if (failed.length > 0) t.fail('an acknowledged snapshot does not restore', { where, failed })
      if (describeTree(join(to, 'source')).join() !== tree.join()) t.fail('a snapshot is not what it was', { where })
    }
    const again = await summaryOf(engine.backup({ paths: [world.source] }, never))
    if (again.queued !== 0 || again.skipped.length > 0) t.fail('a backup after the crash does not complete', { where })
    const verified = await summaryOf(engine.verify({ readDataPercent: 100 }, never))
    if (!verified.ok) t.fail('verify finds damage', { where, bad: verified.bad })
    const left = readdirSync(join(home, 'outbox'))
    if (left.length > 0) t.fail('orphans stay in the outbox', { where, left })
  } catch (error) {
    t.fail(`the engine fails after a crash: ${String(error)}`, {
      where,
      stack: error instanceof Error ? (error.stack ?? '') : '',
    })
  } finally {
    await engine.close()
  }
}

function networkOf(
  place: Place,
  { root, hosts, disk }: { root: string; hosts: MemoryHosts; disk: Disk },
): ShardNetwork {
  if (place === 'hosts') return new MemoryNetwork(hosts)
  return new DirectoryNetwork({ directory: join(root, 'vault') }, { disk, clock: systemClock })
}

/** Hosts as they are now: they live on while the owner's machine is down. */
function copyOf(hosts: MemoryHosts): MemoryHosts {
  const copy = new MemoryHosts(hosts.hosts.length)
  for (const [i, host] of hosts.hosts.entries()) {
    const to = copy.hosts[i]
    for (const [id, bytes] of host.shards) to?.shards.set(id, bytes)
    for (const id of host.released) to?.released.add(id)
    for (const [device, head] of host.heads) to?.heads.set(device, head)
  }
  return copy
}

/**
 * Promise: a disk that is full or fails, at any operation, is a clean error: earlier state stays readable, deleting still
 * works, and once there is room again so does everything else.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { toPlexiError } from '../../src/base/errors.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { TornDisk } from '../support/torn-disk.ts'
import { newVault, never, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const FAULTS = long ? 400 : 10
const codes = ['ENOSPC', 'EIO'] as const

for (const code of codes)
  t.test(`${code} at operations of a backup`, async (t) => {
    const scene = await prepared(t)
    for (let i = 0; i < FAULTS / 2; i++) await survivesFault(t, scene, { code, lasting: i % 2 === 0, number: i })
  })

t.test('a small file system that is really full', { skip: mountRefused() }, async (t) => {
  const dir = await temporaryDirectory(t)
  const small = join(dir, 'small')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', small])
  t.teardown(() => execFileSync('umount', ['--lazy', small]))
  const source = join(dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'first'), noise('first', 1_200_000))
  const tree = describeTree(source)
  const hosts = new MemoryHosts(3)
  const setup = { keys: newVault().keys, home: join(small, 'home'), network: new MemoryNetwork(hosts) }
  const engine = await openEngine(setup)
  t.teardown(() => engine.close())
  const { snapshot: older } = await summaryOf(engine.backup({ paths: [source] }, never))
  const { snapshot } = await summaryOf(engine.backup({ paths: [source] }, never))
  // Whatever room was left is taken: databases, index and outbox all find none.
  fill(join(small, 'filler'))
  writeFileSync(join(source, 'second'), noise('second', 6_000_000))
  const failed = await summaryOf(engine.backup({ paths: [source] }, never)).catch((error: unknown) => error)
  t.ok(isClean(failed), `a clean error: ${String(failed)}`)
  t.match(await summaryOf(engine.restore({ snapshot: String(snapshot), to: join(dir, 'out') }, never)), { failed: [] })
  t.same(describeTree(join(dir, 'out/source')), tree, 'what was there before is readable')
  rmSync(join(small, 'filler'))
  t.equal(engine.forget({ snapshots: [String(older)] }).removed.length, 1, 'deleting works')
  const again = await summaryOf(engine.backup({ paths: [source] }, never))
  t.match(again, { queued: 0, skipped: [] }, 'with room again everything works')
})

interface Scene {
  readonly dir: string
  readonly source: string
  readonly hosts: MemoryHosts
  readonly keys: ReturnType<typeof newVault>['keys']
  readonly tree: readonly string[]
  readonly first: string
  readonly points: number
}

async function prepared(t: Test): Promise<Scene> {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  mkdirSync(join(dir, 'world'))
  writeFileSync(join(source, 'first'), noise('first', 1_200_000))
  const hosts = new MemoryHosts(5)
  const { keys } = newVault()
  const counting = new TornDisk({ root: join(dir, 'world'), random: seededRandom(1), atPoint: () => undefined })
  const setup = {
    keys,
    home: join(dir, 'world/home'),
    network: new MemoryNetwork(hosts),
    options: { shardsPerCommit: 1 },
  }
  const engine = await openEngine({ ...setup, disk: counting.disk })
  const before = counting.points
  const { snapshot } = await summaryOf(engine.backup({ paths: [source] }, never))
  await engine.close()
  const points = counting.points - before
  t.ok(points >= 5)
  return { dir, source, hosts, keys, tree: describeTree(source), first: String(snapshot), points }
}

interface Fault {
  readonly code: (typeof codes)[number]
  /** Every operation from there on that needs room fails, too. */
  readonly lasting: boolean
  readonly number: number
}

async function survivesFault(t: Test, scene: Scene, { code, lasting, number }: Fault): Promise<void> {
  const { dir, source, hosts, keys } = scene
  const what = `${code} ${String(number)}`
  writeFileSync(join(source, 'changing'), noise(what, 1_200_000))
  let armed = false
  let passed = 0
  const failAt = number % (scene.points + 2)
  const torn = new TornDisk({
    root: join(dir, 'world'),
    random: seededRandom(what),
    atPoint(point) {
      const needsRoom = code === 'EIO' || !['unlink', 'removeTree'].includes(point.what)
      if (!armed || !needsRoom) return
      const due = lasting ? passed >= failAt : passed === failAt
      passed++
      if (due) throw Object.assign(new Error(`${code}: no ${point.what}`), { code })
    },
  })
  const setup = {
    keys,
    home: join(dir, 'world/home'),
    network: new MemoryNetwork(hosts),
    options: { shardsPerCommit: 1 },
  }
  const engine = await openEngine({ ...setup, disk: torn.disk })
  armed = true
  let error: unknown
  await summaryOf(engine.backup({ paths: [source] }, never)).catch((thrown: unknown) => (error = thrown))
  if (error !== undefined && !isClean(error)) t.fail(`${what}: not a clean error: ${toPlexiError(error).message}`)
  const to = join(dir, 'out')
  const { failed } = await summaryOf(engine.restore({ snapshot: scene.first, to }, never))
  if (failed.length > 0 || describeTree(join(to, 'source')).join() !== scene.tree.join())
    t.fail(`${what}: earlier state is not readable`, { failed })
  rmSync(to, { recursive: true })
  const newest = engine.snapshots().find(({ id }) => id !== scene.first)
  if (newest !== undefined && engine.forget({ snapshots: [newest.id] }).removed.length !== 1)
    t.fail(`${what}: deleting does not work`)
  await engine.close()
  const healed = await openEngine({ ...setup, disk: systemDisk })
  const again = await summaryOf(healed.backup({ paths: [source] }, never))
  if (again.queued !== 0 || again.skipped.length > 0) t.fail(`${what}: a backup does not complete afterwards`)
  await healed.close()
}

/** Told by a code of its own, with a remedy, at the edge. */
function isClean(error: unknown): boolean {
  return ['STORAGE_DISK_FULL', 'STORAGE_IO', 'STORAGE_DATABASE'].includes(toPlexiError(error).code)
}

/** Until the system says that there is no room. */
function fill(path: string): void {
  for (const size of [1 << 20, 1 << 16, 1 << 12])
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
}

/** Why there is no mounting here; false where there is. */
function mountRefused(): string | false {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return false
  } catch {
    return 'this account may not mount'
  }
}

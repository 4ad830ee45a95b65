import { mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { BlockingDisk } from '../../src/base/blocking-disk.ts'
import { ownThread } from '../../src/backup/kernel/own-thread.ts'
import { systemBlockingDisk, systemRandom, systemThreads } from '../../src/daemon/system/index.ts'
import { file, listOf, named, piece } from '../support/hostile-trees.ts'
import { writeSnapshots } from '../support/hostile-vault.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, makeTree, noise } from '../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('real threads restore and verify; a plan says what it takes; first things come first', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  makeTree(source)
  const world = new MemoryHosts(3)
  const network = new MemoryNetwork(world)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network, threads: systemThreads })
  t.teardown(() => engine.close())
  await summaryOf(engine.backup({ paths: [source] }, never))
  const out = join(dir, 'out')
  const planned = await summaryOf(engine.restore({ snapshot: 'latest', to: out, plan: true }, never))
  t.match(planned, { failed: [], plan: { unknown: 0, local: 0, bytesPerSecond: Number, estimatedSeconds: Number } })
  t.ok((planned.plan?.hosts ?? []).length > 0)
  t.throws(() => readdirSync(out), { code: 'ENOENT' }, 'nothing is written')
  const request = { snapshot: 'latest', to: out, first: '*.txt', verify: true }
  t.match(await summaryOf(engine.restore(request, never)), { failed: [], unchanged: 0 })
  t.same(describeTree(join(out, 'source')), describeTree(source))
  t.match(await summaryOf(engine.restore(request, never)), { failed: [], unchanged: planned.files })
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
})

/** Fails the `failAt`-th call that changes something, with `code`. */
function failing(failAt: number, code: string): { disk: BlockingDisk; failed: () => boolean } {
  let calls = 0
  const change = <A extends unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      if (calls++ === failAt) throw Object.assign(new Error(`${code}: injected`), { code })
      return work(...args)
    }
  }
  const { open, write, truncate, chmod, rename, setMtime } = systemBlockingDisk
  const disk = {
    ...systemBlockingDisk,
    ...{ open: change(open), write: change(write), truncate: change(truncate) },
    ...{ chmod: change(chmod), rename: change(rename), setMtime: change(setMtime) },
  }
  return { disk, failed: () => calls > failAt }
}

t.test(
  'a disk that fails at any moment of a restore: a clean error, nothing half done, run again it completes',
  async (t) => {
    const dir = await temporaryDirectory(t)
    const source = join(dir, 'source')
    mkdirSync(source)
    for (const name of ['a', 'b']) writeFileSync(join(source, name), noise(name, 1_400_000))
    writeFileSync(join(source, 'small'), 'small')
    const network = new MemoryNetwork(new MemoryHosts(1))
    const keys = newVault().keys
    const start = await openEngine({ keys, home: join(dir, 'home'), network })
    await summaryOf(start.backup({ paths: [source] }, never))
    await start.close()
    let tried = 0
    for (let failAt = 0; failAt < 200; failAt++) {
      const code = failAt % 2 === 0 ? 'EIO' : 'ENOSPC'
      const { disk, failed } = failing(failAt, code)
      const threads = ownThread({ disk, random: systemRandom })
      const engine = await openEngine({ keys, home: join(dir, 'home'), network, threads })
      const to = join(dir, `out-${String(failAt)}`)
      const first = await summaryOf(engine.restore({ snapshot: 'latest', to }, never)).catch((error: unknown) => error)
      if (!failed()) {
        await engine.close()
        break
      }
      tried++
      if (code === 'ENOSPC') t.match(first, { code: 'STORAGE_DISK_FULL' })
      else t.match(first, { failed: [{ code: 'STORAGE_IO' }] })
      t.same(
        readdirSync(to).filter((name) => name.startsWith('.')),
        [],
        'no staging is left',
      )
      t.match(await summaryOf(engine.restore({ snapshot: 'latest', to }, never)), { failed: [], files: 3 })
      t.ok(readFileSync(join(to, 'source/a')).equals(readFileSync(join(source, 'a'))))
      await engine.close()
    }
    t.ok(tried >= 15, `${String(tried)} operations`)
  },
)

t.test(
  'files that lie in several shards have their names, and are counted, before all of them are there',
  async (t) => {
    const dir = await temporaryDirectory(t)
    const source = join(dir, 'source')
    mkdirSync(source)
    const FILES = 12
    for (let i = 0; i < FILES; i++) writeFileSync(join(source, String(i)), noise(String(i), 1_400_000))
    const network = new MemoryNetwork(new MemoryHosts(1))
    const options = { progressEveryMs: 0, fetchesInFlight: 1 }
    const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network, options })
    t.teardown(() => engine.close())
    await summaryOf(engine.backup({ paths: [source] }, never))
    const to = join(dir, 'out')
    const counts: number[] = []
    for await (const event of engine.restore({ snapshot: 'latest', to }, never)) {
      if (event.type !== 'progress' || event.filesDone === (counts.at(-1) ?? 0)) continue
      counts.push(event.filesDone)
      t.ok(readdirSync(join(to, 'source')).length >= event.filesDone)
    }
    t.ok(counts.length >= 3, counts.join(' '))
    t.equal(counts.at(-1), FILES)
  },
)

t.test('more links than are remembered: the tree is walked once more', async (t) => {
  const dir = await temporaryDirectory(t)
  const setup = { keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(new MemoryHosts(1)) }
  const COUNT = 400
  const large = [[Buffer.from('user.large'), Buffer.alloc(60_000)]]
  await writeSnapshots(setup, async (store) => {
    const one = {
      ...(await file(store, 'one', Buffer.from('of many names'))),
      hardLink: 1,
      xattrs: [...large, ...large],
    }
    const both = await piece(store, [named('link', { type: 'link', target: Buffer.from('one') }), one])
    const folders = Array.from({ length: COUNT }, (_, i) =>
      named(`d${String(i).padStart(3, '0')}`, { type: 'dir', mode: 0o755, list: [both], depth: 0 }),
    )
    return [await listOf(store, { nodes: folders })]
  })
  const engine = await openEngine(setup)
  t.teardown(() => engine.close())
  for (const first of [undefined, 'd3*/one']) {
    const to = join(dir, String(first))
    const request = { snapshot: 'latest', to, ...(first === undefined ? {} : { first }) }
    t.match(await summaryOf(engine.restore(request, never)), { files: COUNT, failed: [] })
    t.equal(statSync(join(to, 'd399/one')).nlink, COUNT, 'one file')
    const names = readdirSync(to).map((name) => `${name} ${readlinkSync(join(to, name, 'link'))}`)
    t.equal(names.length, COUNT)
  }
})

t.test('a plan tells what restoring could not bring back, as restoring does', async (t) => {
  const dir = await temporaryDirectory(t)
  const setup = { keys: newVault().keys, home: join(dir, 'home'), network: new MemoryNetwork(new MemoryHosts(1)) }
  await writeSnapshots(setup, async (store) => {
    const gone = named('gone', { type: 'file', size: 5, extents: [[Buffer.alloc(32, 7), 0, 5]], depth: 0 })
    return [await listOf(store, { nodes: [await file(store, 'here', Buffer.from('here')), gone] })]
  })
  const engine = await openEngine(setup)
  t.teardown(() => engine.close())
  const request = { snapshot: 'latest', to: join(dir, 'out') }
  const planned = await summaryOf(engine.restore({ ...request, plan: true }, never))
  t.match(planned, { files: 2, failed: [{ path: 'gone', code: 'STORAGE_NOT_FOUND' }] })
  const restored = await summaryOf(engine.restore(request, never))
  t.match(restored.failed, [{ code: 'STORAGE_NOT_FOUND', reason: planned.failed[0]?.reason }])
})

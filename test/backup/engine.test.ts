import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { describeTree, makeTree, noise } from '../support/source-tree.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

t.test('a tree goes to a directory and comes back the same; again nothing new is stored', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  makeTree(source)
  t.teardown(() => {
    chmodSync(join(source, 'deep/er'), 0o755)
  })
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const { keys } = newVault()
  const engine = await openEngine({ keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())

  const first = await summaryOf(engine.backup({ paths: [source], tags: ['daily'], name: 'tree' }, never))
  t.match(first, { files: 207, queued: 0, skipped: [], k: 1, n: 1 })
  t.ok(first.newShards >= 2)
  const second = await summaryOf(engine.backup({ paths: [source] }, never))
  t.equal(second.newShards, 0)
  t.ok(second.newBytes < 64 * 1024)

  const out = join(dir, 'out')
  const restored = await summaryOf(engine.restore({ snapshot: 'latest', to: out }, never))
  t.match(restored, { files: 207, failed: [], unchanged: 0 })
  t.same(describeTree(join(out, 'source')), describeTree(source))
  t.same(
    (await summaryOf(engine.restore({ snapshot: 'latest', to: out }, never))).unchanged,
    207,
    'run again, intact files are left alone',
  )

  writeFileSync(join(out, 'source/one'), '2')
  const never1 = await summaryOf(engine.restore({ snapshot: 'latest', to: out }, never))
  t.match(never1.failed, [{ code: 'STORAGE_TARGET_EXISTS' }])
  const kept = await summaryOf(engine.restore({ snapshot: 'latest', to: out, overwrite: 'older' }, never))
  t.match(kept, { failed: [], files: 206 })
  const always = await summaryOf(engine.restore({ snapshot: 'latest', to: out, overwrite: 'always' }, never))
  t.match(always, { failed: [], unchanged: 206 })
  t.same(describeTree(join(out, 'source')), describeTree(source))
  chmodSync(join(out, 'source/deep/er'), 0o755)
})

t.test('parts, full paths, browsing', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'a/b')
  mkdirSync(join(source, 'c'), { recursive: true })
  writeFileSync(join(source, 'c/file'), 'content')
  mkdirSync(join(dir, 'other/b'), { recursive: true })
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const { snapshot } = await summaryOf(engine.backup({ paths: [source, join(dir, 'other/b')] }, never))
  t.equal(engine.resolve('latest'), snapshot)
  t.equal(engine.resolve(String(snapshot).slice(0, 8)), snapshot)
  t.throws(() => engine.resolve('ffffffff'), { code: 'STORAGE_SNAPSHOT_NOT_FOUND' })

  await summaryOf(engine.restore({ snapshot: 'latest:b/c', to: join(dir, 'part') }, never))
  t.equal(describeTree(join(dir, 'part')).length, 2)
  await summaryOf(engine.restore({ snapshot: 'latest', path: `${source}/c/file`, to: join(dir, 'file') }, never))
  t.match(describeTree(join(dir, 'file')), [/^f \/file /])
  await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'full'), fullPaths: true }, never))
  t.same(describeTree(join(dir, 'full', source)), describeTree(source))
  await t.rejects(summaryOf(engine.restore({ snapshot: 'latest:b/nothing', to: join(dir, 'x') }, never)), {
    code: 'STORAGE_PATH_NOT_FOUND',
  })

  const entries = await collect(engine.list('latest', '', { recursive: true, signal: never }))
  t.same(
    entries.map((entry) => entry.path),
    ['b', 'b/c', 'b/c/file', 'b~2'],
  )
  t.match(await collect(engine.find('fi*', {}, never)), [{ path: 'b/c/file', snapshot }])
  const pieces = await collect(engine.cat({ snapshot: 'latest', path: 'b/c/file' }, never))
  t.equal(Buffer.concat(pieces).toString(), 'content')
  t.match(engine.snapshots(), [{ id: snapshot, placed: true, files: 1 }])
  await t.rejects(summaryOf(engine.backup({ paths: [join(dir, 'gone')] }, never)), {
    code: 'STORAGE_SOURCE_UNREADABLE',
  })
})

t.test('a path that is gone is named; the others are backed up', async (t) => {
  const dir = await temporaryDirectory(t)
  const here = join(dir, 'here')
  writeFileSync(here, 'content')
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const gone = join(dir, 'gone')
  const summary = await summaryOf(engine.backup({ paths: [gone, here] }, never))
  t.match(summary, { files: 1, skipped: [{ path: gone, reason: 'there is no such file or directory' }] })
  t.match(engine.snapshots(), [{ partial: true, files: 1, paths: [here] }])
  t.same(
    [here, `${here}/`, gone, '/', `${here}x`].map((path) => engine.snapshots({ path }).length),
    [1, 1, 0, 0, 0],
  )
})

t.test('a stream, excludes, own homes, special files, unreadable files', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(join(source, 'node_modules'), { recursive: true })
  writeFileSync(join(source, 'keep.txt'), 'keep')
  writeFileSync(join(source, 'drop.log'), 'drop')
  writeFileSync(join(source, 'node_modules/dropped'), 'drop')
  const network = new DirectoryNetwork({ directory: join(source, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(source, 'home'), network })
  t.teardown(() => engine.close())
  const data = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 300; i++) yield await Promise.resolve(Buffer.alloc(10_007, `line ${String(i)}\n`))
  }
  const stream = await summaryOf(engine.backup({ stream: { name: 'dump.sql', data: data() } }, never))
  t.match(stream, { files: 1, bytes: 3_002_100 })
  const pieces = await collect(engine.cat({ snapshot: 'latest', path: 'dump.sql' }, never))
  t.same(Buffer.concat(pieces), Buffer.concat(await collect(data())))

  const tree = await summaryOf(engine.backup({ paths: [source], exclude: ['*.log', 'node_modules/'] }, never))
  const paths = (await collect(engine.list('latest', '', { recursive: true, signal: never }))).map((e) => e.path)
  t.same(paths, ['source', 'source/keep.txt'], 'neither excluded files nor home nor store')
  t.equal(tree.skipped.length, 0)

  symlinkSync(join(source, 'home'), join(source, 'link'))
  for (const inside of ['home', 'home/outbox', 'home/catalog.db', 'link/catalog.db', 'store/shards'])
    await t.rejects(summaryOf(engine.backup({ paths: [join(source, inside)] }, never)), { code: 'VALIDATION_USAGE' })
  t.equal(engine.snapshots().length, 2, 'no empty snapshot takes the place of the latest')
  const dry = await summaryOf(engine.backup({ paths: [source], dryRun: true }, never))
  t.match(dry, { snapshot: null, newShards: 0 })
  t.ok(dry.newBytes > 0)
  rmSync(join(source, 'keep.txt'))
})

t.test('a dry run says about what a backup takes, and then that nothing is new', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  writeFileSync(join(source, 'noise'), noise('noise', 12_000_000))
  const lines = Array.from({ length: 200_000 }, (_, i) => `${String(i * 7_919)} is a line of a chat\n`)
  writeFileSync(join(source, 'text'), lines.join(''))
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const request = { paths: [source] }
  const dry = await summaryOf(engine.backup({ ...request, dryRun: true }, never))
  const real = await summaryOf(engine.backup(request, never))
  for (const figure of ['storedBytes', 'newShards'] as const)
    t.ok(
      Math.abs(dry[figure] / real[figure] - 1) < 0.25,
      `${figure}: ${String(dry[figure])} for ${String(real[figure])}`,
    )
  const again = await summaryOf(engine.backup({ ...request, dryRun: true }, never))
  t.match(again, { newShards: 0, stripes: 0 })
  t.ok(again.storedBytes < 10_000)
})

t.test('a file that cannot be read adds no bytes', { skip: process.getuid?.() === 0 }, async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'secret')
  writeFileSync(path, 'secret', { mode: 0 })
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  t.match(await summaryOf(engine.backup({ paths: [dir], exclude: ['home', 'store'] }, never)), {
    ...{ files: 0, bytes: 0 },
    skipped: [{ path, reason: 'permission denied' }],
  })
  await t.rejects(summaryOf(engine.backup({ paths: [path] }, never)), { code: 'STORAGE_SOURCE_UNREADABLE' })
  t.equal(engine.snapshots().length, 1, 'none that is empty')
})

t.test('a file that grows while it is read is reported and stored as it was read', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'growing')
  writeFileSync(path, Buffer.alloc(600_000, 1))
  const disk = {
    ...systemDisk,
    open: async (...args: Parameters<typeof systemDisk.open>) => {
      const file = await systemDisk.open(...args)
      if (String(args[0]) === path) appendFileSync(path, 'more')
      return file
    },
  }
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network, disk })
  t.teardown(() => engine.close())
  const summary = await summaryOf(engine.backup({ paths: [path] }, never))
  t.match(summary.skipped, [{ path, reason: 'changed while it was read' }])
  t.match(engine.snapshots(), [{ partial: true, files: 1 }])
})

t.test('much that shrinks to little is no rider of the head: it would unfold beyond a frame', async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'log')
  const log = Buffer.alloc(17 << 20)
  for (let at = 0; at < log.length; at += 4_096) log.writeUInt32BE(at, at)
  writeFileSync(path, log)
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const setup = { keys: newVault().keys, home: join(dir, 'home'), network }
  const engine = await openEngine(setup)
  const { newShards, newBytes } = await summaryOf(engine.backup({ paths: [path] }, never))
  t.ok(newShards > 0 && newBytes > 16 << 20)
  await engine.close()
  const again = await openEngine(setup)
  t.teardown(() => again.close())
  t.match(await summaryOf(again.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
  t.ok(readFileSync(join(dir, 'out/log')).equals(log))
})

import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { ownThread } from '../../src/backup/kernel/own-thread.ts'
import type { BlockingDisk } from '../../src/base/blocking-disk.ts'
import type { Disk } from '../../src/base/disk.ts'
import type { Threads } from '../../src/base/threads.ts'
import { DirectoryNetwork, type BackupEngine, type BackupEvent, type RestoreEvent } from '../../src/backup/index.ts'
import { compareTrees } from '../../src/cli/offline/demo/compare-trees.ts'
import { diskOver } from '../../src/daemon/system/disk.ts'
import { systemBlockingDisk, systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { lacks } from '../support/file-system.ts'
import { oddEntries } from '../support/odd-entries.ts'
import { makeTree } from '../support/source-tree.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

interface World {
  readonly dir: string
  readonly source: string
  readonly out: string
  readonly engine: BackupEngine
}

async function world(t: Parameters<typeof temporaryDirectory>[0], disk?: Disk, threads?: Threads): Promise<World> {
  const dir = await temporaryDirectory(t)
  const [source, out] = [join(dir, 'source'), join(dir, 'out')]
  mkdirSync(source)
  const network = new DirectoryNetwork({ directory: join(dir, 'store') }, { disk: systemDisk, clock: systemClock })
  const faults = { ...(disk === undefined ? {} : { disk }), ...(threads === undefined ? {} : { threads }) }
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network, ...faults })
  t.teardown(() => engine.close())
  return { dir, source, out, engine }
}

async function backUp({ engine, source }: World): Promise<Extract<BackupEvent, { type: 'summary' }>> {
  return summaryOf(engine.backup({ paths: [source] }, never))
}

async function bringBack({ engine, out }: World): Promise<RestoreEvent[]> {
  return collect(engine.restore({ snapshot: 'latest', to: out }, never))
}

t.test('everything at once comes back identical: the sixth promise', { skip: lacks.exactTimes }, async (t) => {
  const w = await world(t)
  const { source, out } = w
  makeTree(source)
  linkSync(join(source, 'large'), join(source, 'deep/large again'))
  linkSync(join(source, 'one'), join(source, 'one more'))
  linkSync(join(source, 'dangling'), join(source, 'dangling too'))
  await oddEntries(join(source, 'odd'))
  await systemDisk.setMtime(join(source, 'large'), 1_700_000_000_123_456_789n)
  await systemDisk.setMtime(join(source, 'to-deep'), -1n)
  await systemDisk.setMtime(join(source, 'deep'), 1_600_000_000_000_000_001n)
  t.teardown(() => {
    for (const tree of [source, join(out, 'source')]) chmodSync(join(tree, 'deep/er'), 0o755)
  })

  t.match(await backUp(w), { skipped: [], xattrs: 'kept' })
  t.match((await bringBack(w)).at(-1), { type: 'summary', failed: [] })
  const compared = await compareTrees(source, join(out, 'source'), systemDisk)
  t.same(compared.differences, [])
  t.ok(compared.files > 200)

  t.match((await bringBack(w)).at(-1), { failed: [] }, 'run again')
  t.same((await compareTrees(source, join(out, 'source'), systemDisk)).differences, [])
  const second = await backUp(w)
  t.equal(second.newShards, 0, 'and is described by the same bytes the next time')
})

t.test('names of one file: stored and restored once, also a part alone', async (t) => {
  const opened: string[] = []
  const w = await world(t, {
    ...systemDisk,
    open(path, how, mode) {
      if (how === 'read') opened.push(String(path))
      return systemDisk.open(path, how, mode)
    },
  })
  mkdirSync(join(w.source, 'a'))
  mkdirSync(join(w.source, 'b'))
  writeFileSync(join(w.source, 'a/first'), Buffer.alloc(3_000_000, 'content'))
  for (const name of ['a/second', 'b/third']) linkSync(join(w.source, 'a/first'), join(w.source, name))
  const summary = await backUp(w)
  const names = new Set(opened.filter((path) => path.startsWith(w.source)))
  t.match(summary, { files: 3, bytes: 9_000_000 })
  t.ok(names.size <= 1, 'read under one name')
  t.match((await bringBack(w)).at(-1), { files: 3, failed: [], bytes: 9_000_000 })
  const inodes = ['a/first', 'a/second', 'b/third'].map((name) => lstatSync(join(w.out, 'source', name)).ino)
  t.equal(new Set(inodes).size, 1)
  await summaryOf(w.engine.restore({ snapshot: 'latest:source/b', to: join(w.dir, 'part') }, never))
  t.equal(statSync(join(w.dir, 'part/b/third')).nlink, 1)
  t.equal(readFileSync(join(w.dir, 'part/b/third')).length, 3_000_000)

  rmSync(join(w.out, 'source/a/first'))
  writeFileSync(join(w.out, 'source/a/first'), 'somebody else was here')
  rmSync(join(w.out, 'source/b/third'))
  const last = (await bringBack(w)).at(-1)
  t.equal(last?.type === 'summary' && last.failed.length > 0, true)
  const third = statSync(join(w.out, 'source/b/third'))
  t.match(third, { nlink: 1, size: 3_000_000 }, 'nothing is linked to what is not ours')
})

t.test('holes are neither read nor stored', { skip: lacks.holes }, async (t) => {
  const w = await world(t)
  const path = join(w.source, 'sparse')
  const size = 2 ** 40
  const file = openSync(path, 'w')
  ftruncateSync(file, size)
  for (const at of [0, 5_000_000, size - 1]) writeSync(file, 'x', at)
  closeSync(file)
  const summary = await backUp(w)
  t.match(summary, { bytes: size, skipped: [] })
  t.ok(summary.newBytes < 1_000_000, 'three pages and their description')
  t.match((await bringBack(w)).at(-1), { failed: [] })
  const restored = statSync(join(w.out, 'source/sparse'))
  t.equal(restored.size, size)
  t.ok(restored.blocks * 512 < 1_000_000, 'the holes are there again')
  const verified = await collect(w.engine.restore({ snapshot: 'latest', to: w.out, verify: true }, never))
  t.match(verified.at(-1), { failed: [], unchanged: 1 })
  const damage = openSync(join(w.out, 'source/sparse'), 'r+')
  writeSync(damage, 'y', 2 ** 39)
  closeSync(damage)
  const { mtimeNs } = lstatSync(path, { bigint: true })
  await systemDisk.setMtime(join(w.out, 'source/sparse'), mtimeNs)
  const found = await collect(w.engine.restore({ snapshot: 'latest', to: w.out, verify: true }, never))
  t.match(found.at(-1), { unchanged: 0 }, 'a byte in a hole is found')
})

t.test('special files are stored without being opened; a socket is left to its program', async (t) => {
  const w = await world(t)
  const server = createServer().listen(join(w.source, 'socket'))
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  if (lacks.fifos === false)
    await systemDisk.mknod(join(w.source, 'fifo'), { kind: 'fifo', mode: 0o622, device: [0, 0] })
  t.match(await backUp(w), { files: 0, skipped: [] })
  const listed = await collect(w.engine.list('latest', 'source', { recursive: true, signal: never }))
  t.same(
    listed.map(({ path, type }) => [path, type]),
    [...(lacks.fifos === false ? [['source/fifo', 'fifo']] : []), ['source/socket', 'socket']],
  )
  const events = await bringBack(w)
  t.match(events.at(-1), { failed: [] })
  t.match(
    events.filter(({ type }) => type === 'note'),
    [{ path: join(w.out, 'source/socket'), message: /a socket is not restored/ }],
  )
  if (lacks.fifos === false) t.ok(lstatSync(join(w.out, 'source/fifo')).isFIFO())
})

t.test('where attributes cannot be read or set, that is said', { skip: lacks.xattrs }, async (t) => {
  const plain = await world(
    t,
    diskOver(() => ({})),
  )
  writeFileSync(join(plain.source, 'file'), '')
  await systemDisk.setXattr(join(plain.source, 'file'), [Buffer.from('user.a'), Buffer.from('1')])
  t.match(await backUp(plain), { skipped: [], xattrs: 'skipped' })

  const disk: BlockingDisk = {
    ...systemBlockingDisk,
    setXattr() {
      throw Object.assign(new Error('no'), { code: 'ENOTSUP' })
    },
  }
  const refusing = await world(t, systemDisk, ownThread({ disk, random: systemRandom }))
  writeFileSync(join(refusing.source, 'file'), '')
  await systemDisk.setXattr(join(refusing.source, 'file'), [Buffer.from('user.a'), Buffer.from('1')])
  await backUp(refusing)
  const events = await bringBack(refusing)
  t.match(events.at(-1), { failed: [], files: 1 })
  t.match(
    events.filter(({ type }) => type === 'note'),
    [{ message: /^1 extended attributes could not be set/ }],
  )
})

t.test('files that change or vanish while they are read make the backup partial', async (t) => {
  let act: (path: string) => void = () => undefined
  const met = new Set<string>()
  const w = await world(t, {
    ...systemDisk,
    async open(path, how, mode) {
      if (how === 'read' && !met.has(String(path))) act(String(path))
      met.add(String(path))
      return systemDisk.open(path, how, mode)
    },
  })
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(w.source, name), Buffer.alloc(1_000_000, name))
  act = (path) => {
    if (path.endsWith('source/a')) rmSync(path)
    if (path.endsWith('source/b')) writeFileSync(path, 'short')
    if (path.endsWith('source/c')) {
      rmSync(path)
      symlinkSync('/etc/passwd', path)
    }
  }
  const { skipped, files } = await backUp(w)
  t.match(skipped.map(({ path, reason }) => `${path.slice(-1)}: ${reason}`).sort(), [
    'a: vanished while it was backed up',
    'b: changed while it was read',
    'c: replaced by a symbolic link while it was backed up',
  ])
  t.equal(files, 2)
  await bringBack(w)
  t.equal(readFileSync(join(w.out, 'source/b'), 'utf8'), 'short')
  t.equal(readFileSync(join(w.out, 'source/d')).length, 1_000_000)
})

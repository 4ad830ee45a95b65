/** bin/plexichat-open against what src sealed: from data shards, from parity, damaged, too few, with wrong words. */
import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { compareTrees } from '../../src/cli/offline/demo/compare-trees.ts'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { lacks } from '../support/file-system.ts'
import { oddEntries } from '../support/odd-entries.ts'
import { newVault, never, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'
import { FolderHosts } from './folder-hosts.ts'

const program = join(import.meta.dirname, '../../bin/plexichat-open')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function open(...args: string[]): Ran {
  return openWith(process.env, args)
}

function openWith(env: NodeJS.ProcessEnv, args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env })
  return { code: status, out: stdout, err: stderr }
}

/** A tree with what makes restoring hard: odd names, modes, times to the µs, links, holes, duplicates, many files. */
function makeTree(root: string): void {
  mkdirSync(join(root, 'empty folder'), { recursive: true })
  mkdirSync(join(root, 'deep/er/and deeper'), { recursive: true })
  const big = randomBytes(3_200_000)
  writeFileSync(join(root, 'big.bin'), big)
  writeFileSync(join(root, 'deep/copy of big.bin'), big)
  writeFileSync(join(root, 'deep/er/empty'), '')
  writeFileSync(join(root, 'deep/er/zeros'), new Uint8Array(700_000))
  writeFileSync(join(root, 'deep/er/and deeper/grüße\n世界'), 'text '.repeat(10_000))
  writeFileSync(
    Buffer.concat([Buffer.from(join(root, 'deep/')), Buffer.from([0x66, 0xff, 0xfe])]),
    'name that is no UTF-8',
  )
  for (let i = 0; i < 400; i++) writeFileSync(join(root, `deep/small-${i}`), `small file number ${i}\n`.repeat(i % 7))
  symlinkSync('../nowhere/at all', join(root, 'dangling'))
  symlinkSync('big.bin', join(root, 'link'))
  chmodSync(join(root, 'big.bin'), 0o400)
  chmodSync(join(root, 'deep/er/empty'), 0o6751)
  lutimesSync(join(root, 'dangling'), 1_600_000_000, 1_600_000_000.123_456)
  lutimesSync(join(root, 'big.bin'), 1, 1_234_567_890.987_654)
  lutimesSync(join(root, 'empty folder'), 1, 1_000_000_000.000_001)
  chmodSync(join(root, 'deep/er'), 0o750)
}

interface Scene {
  readonly source: string
  readonly hosts: FolderHosts
  readonly words: string
  readonly scratch: string
  readonly snapshots: readonly string[]
}

/** Two backups of a tree to five folders, 2-of-5. */
async function backedUp(t: Test): Promise<Scene> {
  const scratch = await temporaryDirectory(t)
  const source = join(scratch, 'source')
  makeTree(source)
  const { phrase, keys } = newVault()
  const words = join(scratch, 'words')
  writeFileSync(words, `${phrase}\n`)
  const hosts = new FolderHosts(join(scratch, 'hosts'), { k: 2, n: 5, vault: keys.vault })
  const engine = await openEngine({ keys, home: join(scratch, 'home'), network: hosts })
  const first = await summaryOf(engine.backup({ paths: [source], name: 'first' }, never))
  writeFileSync(join(source, 'later'), 'written between the backups')
  const second = await summaryOf(engine.backup({ paths: [source], name: 'second' }, never))
  t.equal(second.queued, 0, 'everything is placed')
  await engine.close()
  return { source, hosts, words, scratch, snapshots: [first.snapshot ?? '', second.snapshot ?? ''] }
}

const remaining = ({ hosts }: Scene, ...indices: number[]) => indices.map((index) => hosts.folder(index))

async function assertRestores(t: Test, scene: Scene, dirs: string[]): Promise<void> {
  const to = join(scene.scratch, `out-${randomBytes(4).toString('hex')}`)
  const ran = open('--phrase-file', scene.words, 'restore', ...dirs, '--to', to)
  t.equal(ran.code, 0, ran.err)
  const compared = await compareTrees(scene.source, join(to, 'source'))
  t.same(compared.differences, [])
  t.ok(compared.files > 400)
  rmSync(to, { recursive: true })
}

t.test('a vault on folders is opened with the words alone', async (t) => {
  const scene = await backedUp(t)
  const all = remaining(scene, 0, 1, 2, 3, 4)

  const listed = open('--phrase-file', scene.words, 'ls', ...all)
  t.equal(listed.code, 0, listed.err)
  for (const id of scene.snapshots) t.match(listed.out, id)
  t.match(listed.out, /first/)

  await t.test('from the data shards', (t) => assertRestores(t, scene, remaining(scene, 0, 1)))
  await t.test('from parity alone', (t) => assertRestores(t, scene, remaining(scene, 3, 4)))
  await t.test('from one of each', (t) => assertRestores(t, scene, remaining(scene, 1, 3)))
  await t.test('an older snapshot', async (t) => {
    const to = join(scene.scratch, 'older')
    const ran = open('--phrase-file', scene.words, 'restore', ...all, '--to', to, '--snapshot', scene.snapshots[0]!)
    t.equal(ran.code, 0, ran.err)
    t.notOk(readdirSync(join(to, 'source')).includes('later'))
  })
  await t.test('with damaged shards, which are named and left out', async (t) => {
    const dir = scene.hosts.folder(0)
    const shard = readdirSync(dir).find((name) => /^[0-9a-f]{64}$/.test(name))!
    const intact = readFileSync(join(dir, shard))
    const damaged = Uint8Array.from(intact)
    damaged[500_000]! ^= 1
    writeFileSync(join(dir, shard), damaged)
    t.match(open('--phrase-file', scene.words, 'ls', ...all).err, new RegExp(`damaged, left out: .*${shard}`))
    await assertRestores(t, scene, remaining(scene, 0, 3, 4))
    writeFileSync(join(dir, shard), intact)
  })
  await t.test('fewer than k shards fail and say so', async (t) => {
    const to = join(scene.scratch, 'too-few')
    const ran = open('--phrase-file', scene.words, 'restore', scene.hosts.folder(4), '--to', to)
    t.equal(ran.code, 15)
    t.match(ran.err, /STORAGE_UNRESTORABLE/)
  })
  await t.test('other words open nothing', async (t) => {
    writeFileSync(join(scene.scratch, 'other'), newVault().phrase)
    const ran = open('--phrase-file', join(scene.scratch, 'other'), 'ls', ...all)
    t.equal(ran.code, 18)
    t.match(ran.err, /STORAGE_NO_HEAD/)
  })
  await t.test('nothing is written over', async (t) => {
    const ran = open('--phrase-file', scene.words, 'restore', ...all, '--to', scene.source)
    t.equal(ran.code, 15)
    t.match(ran.err, /not empty/)
  })
})

t.test('a vault in a local directory is opened too', async (t) => {
  const scratch = await temporaryDirectory(t)
  const source = join(scratch, 'source')
  makeTree(source)
  const { phrase, keys } = newVault()
  writeFileSync(join(scratch, 'words'), phrase)
  const network = new DirectoryNetwork({ directory: join(scratch, 'disk') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys, home: join(scratch, 'home'), network })
  await summaryOf(engine.backup({ paths: [source] }, never))
  await engine.close()
  const to = join(scratch, 'out')
  const ran = open('--phrase-file', join(scratch, 'words'), 'restore', join(scratch, 'disk'), '--to', to)
  t.equal(ran.code, 0, ran.err)
  t.same((await compareTrees(source, join(to, 'source'))).differences, [])

  const heads = readdirSync(join(scratch, 'disk')).filter((name) => name.startsWith('head-'))
  for (const name of heads) rmSync(join(scratch, 'disk', name))
  const again = join(scratch, 'again')
  const blind = open('--phrase-file', join(scratch, 'words'), 'restore', join(scratch, 'disk'), '--to', again)
  t.match(blind.err, /no head of this vault/, 'shards and authority alone are enough for what lies in shards')
  t.same((await compareTrees(source, join(again, 'source'))).differences, [])
})

t.test('hard links, pipes, devices and holes come back; what does not is said', async (t) => {
  const scratch = await temporaryDirectory(t)
  const source = join(scratch, 'source')
  const files = await oddEntries(source)
  const { phrase, keys } = newVault()
  writeFileSync(join(scratch, 'words'), phrase)
  const network = new DirectoryNetwork({ directory: join(scratch, 'disk') }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys, home: join(scratch, 'home'), network })
  await summaryOf(engine.backup({ paths: [source] }, never))
  await engine.close()
  const to = join(scratch, 'out')
  const ran = open('--phrase-file', join(scratch, 'words'), 'restore', join(scratch, 'disk'), '--to', to)
  t.equal(ran.code, 0, ran.err)
  t.same((await compareTrees(source, join(to, 'source'))).differences, [])
  t.match(ran.out, `${String(files)} files`)
  if (lacks.xattrs === false) t.match(ran.err, /entries have extended attributes or ACLs, which are not restored/)
  const { blocks, size } = statSync(join(to, 'source/sparse'))
  t.ok(lacks.holes !== false || blocks * 512 < size / 4, 'holes stay holes')
  t.same(readdirSync(to), ['source'], 'nothing else is left')

  const without = join(scratch, 'without')
  const args = ['--phrase-file', join(scratch, 'words'), 'restore', join(scratch, 'disk'), '--to', without]
  const poor = openWith({ PATH: '/nonexistent' }, args)
  t.equal(poor.code, 0, poor.err)
  if (lacks.fifos === false) t.match(poor.err, /fifo: a fifo is not made/)
  t.equal(statSync(join(without, 'source/file')).nlink, 2)
})

t.test('wrong use is explained', async (t) => {
  t.match(open(), { code: 0, out: /--phrase-file/ })
  t.match(open('ls', '.'), { code: 2, err: /--phrase-file is needed/ })
  t.match(open('--phrase-file', 'x', 'frobnicate', '.'), { code: 2, err: /say ls or restore/ })
  t.match(open('--phrase-file', '/nonexistent', 'ls', '.'), { code: 1, err: /ENOENT/ })
})

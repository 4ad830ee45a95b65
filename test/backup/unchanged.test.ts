import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  DirectoryNetwork,
  ownThread,
  type BackupEngine,
  type BackupOptions,
  type BackupRequest,
  type BackupSummary,
} from '../../src/backup/index.ts'
import { systemBlockingDisk, systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

interface Bench {
  readonly source: string
  readonly store: string
  readonly engine: BackupEngine
  /** Files of the source that were opened since the last call, below it. */
  opened(): string[]
  backup(request?: Partial<BackupRequest>): Promise<BackupSummary>
  restored(): Promise<string[]>
}

const { keys } = newVault()

/** A clock ahead of that of the files: none of them looks as if it had just been written to. */
const AHEAD_MS = 10_000

async function bench(
  t: Parameters<typeof temporaryDirectory>[0],
  { aheadMs = AHEAD_MS, options = {} }: { aheadMs?: number; options?: Partial<BackupOptions> } = {},
): Promise<Bench> {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const store = join(dir, 'store')
  let opened: string[] = []
  const opening = (path: string | Buffer): void => {
    if (String(path).startsWith(`${source}/`)) opened.push(String(path).slice(source.length + 1))
  }
  const disk: typeof systemDisk = {
    ...systemDisk,
    get support() {
      return systemDisk.support
    },
    open(path, how, mode) {
      opening(path)
      return systemDisk.open(path, how, mode)
    },
  }
  const blocking: typeof systemBlockingDisk = {
    ...systemBlockingDisk,
    open(path, how, mode) {
      opening(path)
      return systemBlockingDisk.open(path, how, mode)
    },
  }
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
  const network = new DirectoryNetwork({ directory: store }, { disk: systemDisk, clock })
  const threads = ownThread({ disk: blocking, random: systemRandom }, 2)
  const engine = await openEngine({ keys, home: join(dir, 'home'), network, options, disk, clock, threads })
  t.teardown(() => engine.close())
  let outs = 0
  return {
    ...{ source, store, engine },
    opened() {
      const all = [...new Set(opened)].toSorted()
      opened = []
      return all
    },
    backup: (request = {}) => summaryOf(engine.backup({ paths: [source], ...request }, never)),
    async restored() {
      const out = join(dir, `out-${String(outs++)}`)
      await summaryOf(engine.restore({ snapshot: 'latest', to: out }, never))
      return describeTree(join(out, 'source'))
    },
  }
}

/** A directory has 250 of them. */
const MANY = process.env['PLEXICHAT_TEST_LONG'] === undefined ? 2_000 : 100_000

/** Two directories, one of them with directories: small, large and empty files. */
function makeFiles(source: string): void {
  mkdirSync(join(source, 'leaf'))
  for (let i = 0; i < 20; i++) writeFileSync(join(source, 'leaf', `small-${String(i)}`), noise(String(i), i * 100))
  writeFileSync(join(source, 'leaf', 'large'), noise('large', 5_000_000))
  writeFileSync(join(source, 'beside'), 'beside a directory')
}

t.test('what is unchanged is not read again, and the summary counts it all the same', async (t) => {
  const { source, backup, opened, restored } = await bench(t)
  makeFiles(source)
  const first = await backup()
  t.equal(opened().length, 21, 'all that are not empty')
  const second = await backup()
  t.same(opened(), [])
  const { files, dirs, bytes } = first
  t.match(second, { files, dirs, bytes, newShards: 0, skipped: [] })
  t.ok(second.newBytes < 1000, 'a snapshot')
  t.same(await restored(), describeTree(source))

  t.match(await backup({ dryRun: true }), { files, dirs, bytes, newBytes: 0 })
  t.same(opened(), [], 'neither does a dry run read')
  t.match(await backup({ forceRead: true }), { files, dirs, bytes, newShards: 0 })
  t.equal(opened().length, 21, 'unless it is told to')
  await backup({ exclude: ['small-1*'] })
  t.same(opened(), [], 'what else is left out makes no file another')
  t.notOk((await restored()).some((line) => line.includes('small-1')))
})

t.test(
  'of very many unchanged files none is opened, and only what lies in a changed directory is described anew',
  async (t) => {
    const { source, backup, opened } = await bench(t)
    const directories = MANY / 250
    for (let d = 0; d < directories; d++) {
      mkdirSync(join(source, String(d)))
      for (let i = 0; i < 250; i++) writeFileSync(join(source, String(d), String(i)), `${String(d)} has ${String(i)}`)
    }
    const first = await backup()
    t.equal(first.files, MANY)
    t.equal(opened().length, MANY)
    const { files, dirs, bytes } = first
    const same = { files, dirs, bytes, newShards: 0, storedBytes: 0, skipped: [] }
    const second = await backup()
    t.same(opened(), [])
    t.match(second, same)
    t.ok(second.newBytes < 1000, 'a snapshot')

    writeFileSync(join(source, '3', '7'), 'another')
    const third = await backup()
    t.same(opened(), ['3/7'])
    t.ok(third.newBytes < first.newBytes / 2, 'one directory of all')
  },
)

t.test('a file is read when any of its values differs, its neighbours are not', async (t) => {
  const { source, backup, opened, restored } = await bench(t)
  makeFiles(source)
  await backup()
  opened()
  rewrite(join(source, 'leaf', 'small-3'), 'other')
  await backup()
  t.same(opened(), ['leaf/small-3'], 'size and mtime are as they were')
  appendFileSync(join(source, 'beside'), 'more')
  chmodSync(join(source, 'leaf', 'large'), 0o600)
  writeFileSync(join(source, 'leaf', 'new'), 'new')
  rmSync(join(source, 'leaf', 'small-7'))
  await backup()
  t.same(opened(), ['beside', 'leaf/large', 'leaf/new'])
  t.same(await restored(), describeTree(source))
  await backup()
  t.same(opened(), [])
  t.same(await restored(), describeTree(source))
})

t.test('what was written to a moment before is read once more', async (t) => {
  const { source, backup, opened } = await bench(t, { aheadMs: 0 })
  makeFiles(source)
  await backup()
  opened()
  await backup()
  t.equal(opened().length, 21, 'a clock of two seconds would not tell a second write')
})

t.test('files with other names, databases in use and what belongs to them', async (t) => {
  const { source, backup, opened, restored } = await bench(t)
  writeFileSync(join(source, 'file'), 'content')
  linkSync(join(source, 'file'), join(source, 'other name'))
  writeFileSync(join(source, 'app'), 'may have a log')
  writeFileSync(join(source, 'app-wal'), 'a log')
  const database = Buffer.concat([Buffer.from('SQLite format 3\0\x10\0\x01\x01'), Buffer.alloc(5000)])
  writeFileSync(join(source, 'database'), database)
  const { files, bytes } = await backup()
  opened()
  t.match(await backup(), { files, bytes })
  t.same(opened(), ['app', 'app-wal', 'database'])
  writeFileSync(join(source, 'another'), '')
  linkSync(join(source, 'file'), join(source, 'a first name'))
  t.match(await backup(), { files: files + 2, bytes: bytes + 7 })
  opened()
  rmSync(join(source, 'app-wal'))
  await backup()
  opened()
  await backup()
  t.same(opened(), ['database'])
  t.same(await restored(), describeTree(source))
})

t.test('content that is lost is read again', async (t) => {
  const { source, store, engine, backup, opened, restored } = await bench(t)
  makeFiles(source)
  await backup()
  opened()
  for (const name of shardFiles(store)) damage(name)
  t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: false })
  const healed = await backup()
  t.equal(opened().length, 21)
  t.ok(healed.newShards > 0)
  t.same(await restored(), describeTree(source))
  await backup()
  t.same(opened(), [])
})

t.test('a file of many chunks is known by its lists', async (t) => {
  const chunk = { minBytes: 1024, averageBytes: 2048, maxBytes: 8192 }
  const { source, store, engine, backup, opened, restored } = await bench(t, { options: { chunk } })
  writeFileSync(join(source, 'long'), noise('long', 4_000_000))
  writeFileSync(join(source, 'short'), 'short')
  const first = await backup()
  t.same(opened(), ['long', 'short'])
  t.match(await backup(), { files: first.files, bytes: first.bytes, newShards: 0 })
  t.same(opened(), [])
  t.same(await restored(), describeTree(source))
  for (const name of shardFiles(store)) damage(name)
  await summaryOf(engine.verify({ readDataPercent: 100 }, never))
  await backup()
  t.ok(opened().includes('long'))
  t.same(await restored(), describeTree(source))
})

t.test('a path that is a file', async (t) => {
  const { source, backup, opened } = await bench(t)
  const path = join(source, 'file')
  writeFileSync(path, 'content')
  await backup({ paths: [path] })
  t.same(opened(), ['file'])
  t.match(await backup({ paths: [path] }), { files: 1, bytes: 7, newShards: 0 })
  t.same(opened(), [])
  rewrite(path, 'other')
  await backup({ paths: [path] })
  t.same(opened(), ['file'])
})

t.test('a directory too long for one look: what is added moves nothing else', async (t) => {
  const { source, backup, opened, restored } = await bench(t, { options: { listedAtOnce: 32 } })
  for (let i = 0; i < 200; i++) writeFileSync(join(source, String(i)), 'x')
  const first = await backup()
  t.equal(opened().length, 200)
  writeFileSync(join(source, '0 is before the others'), 'new')
  t.match(await backup(), { files: first.files + 1, skipped: [] })
  t.ok(opened().length <= 32, 'of the first part, or a second that it joined')
  await backup()
  t.same(opened(), [])
  t.same(await restored(), describeTree(source))
})

/** Sealed shards in the directory that stands for hosts. */
function shardFiles(store: string): string[] {
  return readdirSync(store, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size === 1 << 20)
}

function damage(path: string): void {
  const bytes = readFileSync(path)
  for (let at = 1000; at < bytes.length; at += 4096) bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
}

/** Other content of the same size, and no sign of it but the time of change. */
function rewrite(path: string, seed: string): void {
  const { size, mtimeNs } = statSync(path, { bigint: true })
  writeFileSync(path, noise(seed, Number(size)))
  systemBlockingDisk.setMtime(Buffer.from(path), mtimeNs)
}

const names = ['a', 'b', 'c/d', 'c/e', 'c/f/g', 'c/f/h'] as const
const edit = fc.record({
  name: fc.constantFrom(...names),
  how: fc.constantFrom('write', 'append', 'remove', 'touch', 'mode', 'keep size and time'),
  bytes: fc.integer({ min: 0, max: 3000 }),
})

t.test('whatever is edited between backups, the newest one restores what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 4 }), { minLength: 2, maxLength: 4 }), async (rounds) => {
      const ends: (() => unknown)[] = []
      try {
        const { source, backup, restored } = await bench({ teardown: (work) => void ends.unshift(work) })
        mkdirSync(join(source, 'c/f'), { recursive: true })
        for (const name of names) writeFileSync(join(source, name), noise(name, 1000))
        for (const [round, edits] of rounds.entries()) {
          for (const [i, each] of edits.entries()) apply(source, each, `${String(round)} ${String(i)}`)
          await backup()
          const expected = describeTree(source)
          const found = await restored()
          if (JSON.stringify(found) !== JSON.stringify(expected)) return false
        }
        return true
      } finally {
        for (const end of ends) await end()
      }
    }),
    { numRuns: 3 },
  )
})

function apply(source: string, { name, how, bytes }: { name: string; how: string; bytes: number }, seed: string): void {
  const path = join(source, name)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (how === 'remove') rmSync(path, { force: true })
  else if (stat === undefined || how === 'write') writeFileSync(path, noise(seed, bytes))
  else if (how === 'append') appendFileSync(path, noise(seed, bytes))
  else if (how === 'touch') utimesSync(path, 1, bytes)
  else if (how === 'mode') chmodSync(path, 0o600 + (bytes % 64))
  else rewrite(path, seed)
}

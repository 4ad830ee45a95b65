/** Every `shard` subcommand on a real backup, and the independent reader on folders of hosts. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createHash } from 'node:crypto'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { launcherPath } from '../../src/cli/offline/demo/processes.ts'
import { writeSampleData } from '../../src/cli/offline/demo/sample-data.ts'
import { hostedShards, TestCircle, type ShardLine } from '../support/circle.ts'

const circle = new TestCircle()
t.teardown(() => circle.close())
const SHARD_BYTES = 1_048_576
let sources: string[] = []
let shards: ShardLine[] = []

t.before(async () => {
  await circle.startHosts(6)
  const owner = await circle.startOwner()
  sources = await writeSampleData(circle.makeFolder('source'))
  await circle.json(['backup', ...sources], owner.home)
  shards = ((await circle.json(['shard', 'ls'], owner.home)) as unknown as { shards: ShardLine[] }).shards
})

t.test('hosted shard files are exactly 1 MiB and named by their id', (t) => {
  const files = circle.hosts.flatMap(({ home }) => hostedShards(home))
  t.ok(files.length >= shards.length && shards.length > 2)
  for (const file of files) t.equal(statSync(file).size, SHARD_BYTES)
  t.end()
})

t.test('show, verify, proof, locate and fetch', async (t) => {
  const home = circle.home('owner')
  const { id, k, n } = shards[0] as ShardLine
  const shown = await circle.json(['shard', 'show', id], home)
  t.match(shown, {
    id,
    kind: String,
    epoch: Number,
    suite: Number,
    stripe: String,
    index: 0,
    k,
    n,
    holders: Array,
    chunks: Number,
    why: String,
  })
  t.match(await circle.json(['shard', 'locate', id], home), { holders: [{ peer: String, state: 'held' }] })

  const file = join(circle.folder, id)
  await circle.json(['shard', 'fetch', id, '--to', file], home)
  t.equal(statSync(file).size, SHARD_BYTES)
  const nowhere = circle.home('nowhere')
  t.match(
    await circle.json(['shard', 'verify', file], nowhere),
    { ok: true, id, root: id, leaves: 64 },
    'a file needs no daemon',
  )
  t.match(await circle.json(['shard', 'verify', id], home), { ok: true, id })

  const leaf = 5
  const proof = (await circle.json(['shard', 'proof', id, '--leaf', String(leaf)], home)) as unknown as {
    data: string
    path: string[]
    root: string
    ok: boolean
  }
  t.equal(proof.ok, true)
  t.equal(
    proof.data,
    readFileSync(file)
      .subarray(leaf * 16_384, (leaf + 1) * 16_384)
      .toString('hex'),
  )
  t.equal(rootFrom(proof.data, leaf, proof.path), id, 'the path leads to the id')

  const bytes = readFileSync(file)
  bytes[1] = (bytes[1] ?? 0) ^ 0xff
  writeFileSync(file, bytes)
  t.equal((await circle.run(['shard', 'verify', file, '--json'], nowhere)).code, 15)
  t.equal((await circle.run(['shard', 'show', '00'.repeat(32), '--json'], home)).code, 18)
})

t.test('hosts list what they hold for others', async (t) => {
  const host = circle.hosts.find(({ home }) => hostedShards(home).length > 0)
  const { shards: hosted } = (await circle.json(['shard', 'ls', '--hosted'], host?.home ?? '')) as unknown as {
    shards: { id: string }[]
  }
  t.same(new Set(hosted.map(({ id }) => id)), new Set(hostedShards(host?.home ?? '').map((path) => basename(path))))
})

t.test('the independent reader opens any k shards of each stripe', async (t) => {
  const words = join(circle.folder, 'words')
  writeFileSync(words, circle.phrase, { mode: 0o600 })
  for (const [what, wanted] of [
    ['data shards only', (shard: ShardLine) => shard.index < shard.k],
    // With k = 1 every shard of the stripe is the same one.
    ['with parity', (shard: ShardLine) => shard.k === 1 || shard.index >= shard.n - shard.k],
  ] as const) {
    const folder = circle.makeFolder(`folder of ${what}`)
    const ids = new Set(shards.filter(wanted).map(({ id }) => id))
    for (const { home } of circle.hosts) collect(home, folder, (name) => ids.has(name) || !/^[0-9a-f]{64}$/.test(name))
    const target = circle.makeFolder(`opened ${what}`)
    execFileSync(join(dirname(launcherPath()), 'plexichat-open'), [
      '--phrase-file',
      words,
      'restore',
      folder,
      '--to',
      target,
    ])
    t.same((await compareRestored(sources, target)).differences, [], what)
  }
})

/** Copies hosted files of the owner's vault that are `wanted` into one folder. */
function collect(home: string, folder: string, wanted: (name: string) => boolean): void {
  const hosted = join(home, 'hosted')
  for (const entry of readdirSync(hosted, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && wanted(entry.name)) copyFileSync(join(entry.parentPath, entry.name), join(folder, entry.name))
  }
}

/** RFC 6962 with 64 leaves: a perfect tree, so the bits of the index say on which side each neighbour stands. */
function rootFrom(leafHex: string, index: number, path: readonly string[]): string {
  const hash = (...parts: Buffer[]) => parts.reduce((h, part) => h.update(part), createHash('sha256')).digest()
  let node = hash(Buffer.of(0), Buffer.from(leafHex, 'hex'))
  for (const [level, neighbour] of path.entries()) {
    const other = Buffer.from(neighbour, 'hex')
    node = ((index >> level) & 1) === 0 ? hash(Buffer.of(1), node, other) : hash(Buffer.of(1), other, node)
  }
  return node.toString('hex')
}

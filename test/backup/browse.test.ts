/** Looking into snapshots: what differs, what is found, and reading as little as needed. */
import {
  chmodSync,
  closeSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { BackupEngine, Difference, Place } from '../../src/backup/index.ts'
import { toHex } from '../../src/base/bytes.ts'
import { TreeDiff } from '../../src/backup/read/diff.ts'
import type { FetchOutcome, FetchRequest } from '../../src/shard/index.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { noise } from '../support/source-tree.ts'
import { modelPath, models, Objects, type Model } from '../support/stored-tree.ts'
import { collect, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

interface World {
  readonly engine: BackupEngine
  readonly source: string
  readonly hosts: MemoryHosts
  readonly network: MemoryNetwork
  backUp(): Promise<string>
}

async function world(t: Parameters<typeof temporaryDirectory>[0]): Promise<World> {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const hosts = new MemoryHosts(3)
  const network = new MemoryNetwork(hosts)
  const engine = await openEngine({ keys: newVault().keys, home: join(dir, 'home'), network })
  t.teardown(() => engine.close())
  const backUp = async (): Promise<string> =>
    String((await summaryOf(engine.backup({ paths: [source] }, never))).snapshot)
  return { engine, source, hosts, network, backUp }
}

const diff = ({ engine }: World, from: Place, to: Place): Promise<Difference[]> =>
  collect(engine.diff({ from, to }, never))
const whole = (snapshot: string): Place => ({ snapshot, path: '' })
/** `change path` of everything but times of directories, which tell nothing of what was done. */
const lines = (differences: readonly Difference[]): string[] =>
  differences
    .filter(({ change, after }) => change !== 'metadata' || after?.type !== 'dir')
    .map(({ change, path }) => `${change} ${path}`)

t.test('what differs: content, kind, metadata, and everything below what came or went', async (t) => {
  const w = await world(t)
  const at = (...names: string[]): string => join(w.source, ...names)
  for (const name of ['same', 'goes/deep', 'turns']) mkdirSync(at(name), { recursive: true })
  for (const name of ['same/file', 'goes/deep/a', 'turns/b', 'edited', 'touched', 'mode', 'Z', 'moved'])
    writeFileSync(at(name), name)
  writeFileSync(at('large'), noise('large', 1_000_000))
  symlinkSync('here', at('link'))
  const first = await w.backUp()
  t.same(await diff(w, whole(first), whole('latest')), [], 'nothing differs from itself')

  rmSync(at('goes'), { recursive: true })
  rmSync(at('turns'), { recursive: true })
  writeFileSync(at('turns'), 'into a file')
  writeFileSync(at('edited'), 'another text')
  writeFileSync(at('large'), Buffer.concat([noise('large', 500_000), noise('other', 500_000)]))
  lutimesSync(at('touched'), 1, 1)
  chmodSync(at('mode'), 0o600)
  unlinkSync(at('link'))
  symlinkSync('there', at('link'))
  mkdirSync(at('comes/deep'), { recursive: true })
  renameSync(at('moved'), at('comes/deep/moved'))
  const second = await w.backUp()

  const found = await diff(w, whole(first), whole(second))
  t.same(lines(found), [
    ...['added source/comes', 'added source/comes/deep', 'added source/comes/deep/moved'],
    ...['modified source/edited', 'removed source/goes', 'removed source/goes/deep', 'removed source/goes/deep/a'],
    ...['modified source/large', 'modified source/link', 'metadata source/mode', 'removed source/moved'],
    ...['metadata source/touched', 'type source/turns', 'removed source/turns/b'],
  ])
  t.match(
    found.find(({ path }) => path === 'source/edited'),
    { before: { size: 6 }, after: { size: 12 } },
  )
  t.match(
    found.find(({ path }) => path === 'source/turns'),
    { before: { type: 'dir' }, after: { type: 'file' } },
  )

  const mirror = { added: 'removed', removed: 'added', type: 'type', modified: 'modified', metadata: 'metadata' }
  const back = await diff(w, whole(second), whole(first))
  const turned = found.map(({ change, path }) => `${mirror[change]} ${path}`)
  t.same(back.map(({ change, path }) => `${change} ${path}`).toSorted(), turned.toSorted(), 'and the other way round')
})

t.test('parts of snapshots: directories under other names, single files, and what cannot be compared', async (t) => {
  const w = await world(t)
  for (const name of ['a', 'b']) {
    mkdirSync(join(w.source, name))
    writeFileSync(join(w.source, name, 'same'), 'same')
    lutimesSync(join(w.source, name, 'same'), 1, 1)
    writeFileSync(join(w.source, name, 'own'), `of ${name}, ${name.repeat(9)}`)
  }
  writeFileSync(join(w.source, 'b/more'), 'more')
  const snapshot = await w.backUp()
  const place = (path: string): Place => ({ snapshot, path })

  const found = await diff(w, place('source/a'), place('source/b/'))
  t.same(lines(found), ['added more', 'modified own'])
  t.match(found[1], { before: { path: 'source/a/own' }, after: { path: 'source/b/own' } })

  t.match(await diff(w, place('source/a/own'), place('source/b/same')), [
    { path: 'same', change: 'modified', before: { path: 'source/a/own' }, after: { path: 'source/b/same' } },
  ])
  t.same(await diff(w, place('source/a/same'), place('source/b/same')), [])
  await t.rejects(diff(w, place('source/a'), place('source/b/own')), { code: 'VALIDATION_USAGE' })
  await t.rejects(diff(w, place('source/c'), place('source/b')), { code: 'STORAGE_PATH_NOT_FOUND' })
  await t.rejects(diff(w, whole('beef'), whole(snapshot)), { code: 'STORAGE_SNAPSHOT_NOT_FOUND' })
  t.throws(() => w.engine.resolve('latest', { name: 'other' }), { message: 'no snapshot latest with name other' })
})

t.test('a name is found in every snapshot, with what it was there', async (t) => {
  const w = await world(t)
  mkdirSync(join(w.source, 'letters'))
  writeFileSync(join(w.source, 'letters/to Ada.odt'), 'first')
  const first = await w.backUp()
  writeFileSync(join(w.source, 'letters/to Ada.odt'), 'second version')
  const second = await w.backUp()
  rmSync(join(w.source, 'letters'), { recursive: true })
  await w.backUp()
  for (const pattern of ['*.odt', 'source/*/to Ada.odt']) {
    const found = await collect(w.engine.find(pattern, {}, never))
    t.same(
      found.map(({ snapshot, path, size }) => [snapshot, path, size]),
      [
        [second, 'source/letters/to Ada.odt', 14],
        [first, 'source/letters/to Ada.odt', 5],
      ],
    )
    const once = await collect(w.engine.find(pattern, { snapshot: first.slice(0, 8) }, never))
    t.same(
      once.map(({ snapshot, size }) => [snapshot, size]),
      [[first, 5]],
    )
    t.same(await collect(w.engine.find(pattern, { snapshot: 'latest' }, never)), [])
    const after = { snapshot: second, names: ['source', 'letters', 'to Ada.odt'].map((name) => Buffer.from(name)) }
    t.same(await collect(w.engine.find(pattern, { after }, never)), once)
    const gone = { ...after, snapshot: 'ffff' }
    await t.rejects(collect(w.engine.find(pattern, { after: gone }, never)), { code: 'VALIDATION_USAGE' })
  }
  await t.rejects(collect(w.engine.find('*', { snapshot: 'ffff' }, never)), { code: 'STORAGE_SNAPSHOT_NOT_FOUND' })
})

/** Remembers which shards were asked for. */
class Watched extends MemoryNetwork {
  readonly fetched = new Set<string>()

  override fetch(request: FetchRequest): Promise<FetchOutcome> {
    this.fetched.add(toHex(request.stripe.ids[request.index] as Uint8Array))
    return super.fetch(request)
  }
}

t.test('one file comes back without the shards of the others', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  for (let i = 0; i < 30; i++) writeFileSync(join(source, `file ${String(i)}`), noise(String(i), 1_000_000))
  const hosts = new MemoryHosts(3)
  const setup = { keys: newVault().keys, home: join(dir, 'home') }
  const before = new MemoryNetwork(hosts)
  const first = await openEngine({ ...setup, network: before })
  const { newShards } = await summaryOf(first.backup({ paths: [source] }, never))
  await first.close()
  t.ok(newShards >= 28, `${String(newShards)} shards`)

  const network = new Watched(hosts)
  await network.adoptGroups(before.groups())
  const engine = await openEngine({ ...setup, network })
  t.teardown(() => engine.close())
  const request = { snapshot: 'latest', path: 'source/file 7', to: join(dir, 'out') }
  t.match(await summaryOf(engine.restore(request, never)), { files: 1, failed: [] })
  t.ok(readFileSync(join(dir, 'out/file 7')).equals(noise('7', 1_000_000)))
  // One of metadata, and what 1 MB lies on: each packer keeps chunks waiting to fill the last room of a shard, so a few more.
  t.ok(
    network.fetched.size >= 1 && network.fetched.size <= newShards / 3,
    `${String(network.fetched.size)} shards fetched`,
  )
})

t.test('any part of a file, with holes and many chunks', async (t) => {
  const w = await world(t)
  const bytes = Buffer.concat([noise('a', 300_000), Buffer.alloc(3_000_000), noise('b', 300_000)])
  const file = openSync(join(w.source, 'file'), 'w')
  writeSync(file, bytes.subarray(0, 300_000), 0, 300_000, 0)
  writeSync(file, bytes.subarray(3_300_000), 0, 300_000, 3_300_000)
  closeSync(file)
  await w.backUp()
  const read = async (from: number, length: number): Promise<Buffer> => {
    const at = { snapshot: 'latest', path: 'source/file', range: { from, length } }
    return Buffer.concat(await collect(w.engine.cat(at, never)))
  }
  t.ok((await read(0, bytes.length)).equals(bytes))
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), fc.nat(1_000_000), async (from, most) => {
      const length = Math.min(most, bytes.length - from)
      return (await read(from, length)).equals(bytes.subarray(from, from + length))
    }),
    { numRuns: 30 },
  )
})

/** Path to `dir` or size. */
function flat(model: Model, below = ''): Map<string, string> {
  const paths = new Map<string, string>()
  for (const [name, entry] of Object.entries(model)) {
    paths.set(below + name, typeof entry === 'object' ? 'dir' : String(entry))
    if (typeof entry === 'object') for (const [path, what] of flat(entry, `${below}${name}/`)) paths.set(path, what)
  }
  return paths
}

function expected(before: Map<string, string>, after: Map<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
    const [a, b] = [before.get(path), after.get(path)]
    if (a === b) return []
    if (a === undefined) return [`added ${path}`]
    if (b === undefined) return [`removed ${path}`]
    return [a === 'dir' || b === 'dir' ? `type ${path}` : `modified ${path}`]
  })
}

t.test('any two trees: what a comparison path by path finds, and nothing that is the same is read', async (t) => {
  await fc.assert(
    fc.asyncProperty(models, models, models, async (before, after, more) => {
      const objects = new Objects()
      // The same on both sides, and like nothing else.
      const same = { ...more, unique: 7777 }
      const [a, b] = [
        { ...before, same },
        { ...after, same },
      ]
      const lists = { before: await objects.store(a), after: await objects.store(b) }
      const found = await collect(new TreeDiff(objects.tree, never).lists(lists))
      const changes = found.map(({ change, names }) => `${change} ${modelPath(names)}`)
      t.same(changes.toSorted(), expected(flat(a), flat(b)).toSorted())
      for (const [i, { names }] of found.entries())
        t.same(await collect(new TreeDiff(objects.tree, never).lists(lists, [], names)), found.slice(i + 1))
      const { chunks } = await objects.store(same)
      t.notOk(chunks.some((id) => objects.read.has(toHex(id))))
    }),
    { numRuns: 60 },
  )
})

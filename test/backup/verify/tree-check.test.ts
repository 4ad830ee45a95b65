import { createHash } from 'node:crypto'
import t from 'tap'
import { chunkId, type ChunkId } from '../../../src/shard/index.ts'
import { encodeObject } from '../../../src/backup/codec/object.ts'
import { encodeNodes, type NodeList, type TreeNode } from '../../../src/backup/tree/node.ts'
import { TreeReader } from '../../../src/backup/tree/tree-reader.ts'
import { TreeCheck } from '../../../src/backup/verify/tree-check.ts'
import { usesOf } from '../../../src/backup/verify/uses.ts'
import { never } from '../../support/vault.ts'

/** Objects by their ids, what is not there, and what was read. */
class Store {
  readonly #objects = new Map<string, Uint8Array>()
  readonly gone = new Set<string>()
  reads = 0
  decoded = 0

  put(bytes: Uint8Array): ChunkId {
    const id = chunkId(createHash('sha256').update(bytes).digest())
    this.#objects.set(textOf(id), bytes)
    return id
  }

  list(nodes: readonly TreeNode[]): NodeList {
    return { depth: 0, chunks: [this.put(encodeNodes(nodes))] }
  }

  read = (id: ChunkId): Promise<Uint8Array> => {
    this.reads++
    const bytes = this.gone.has(textOf(id)) ? undefined : this.#objects.get(textOf(id))
    return bytes === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(bytes)
  }

  check(signal: AbortSignal = never): TreeCheck {
    const run = (_name: string, job: { nodes: Uint8Array }) => {
      this.decoded++
      return Promise.resolve(usesOf(job))
    }
    return new TreeCheck({
      kernel: { run },
      tree: new TreeReader(this.read),
      read: this.read,
      isThere: (id) => !this.gone.has(textOf(id)),
      signal,
    })
  }
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id).toString('hex')
}

function contentId(name: string): ChunkId {
  return chunkId(createHash('sha256').update(`content of ${name}`).digest())
}

const look = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n }

function file(name: string): TreeNode {
  const extents = [{ chunk: contentId(name), from: 0, length: 5 }]
  return { ...look, name: Buffer.from(name), type: 'file', size: 5, content: { depth: 0, extents } }
}

function directory(name: string, list: NodeList): TreeNode {
  return { ...look, name: Buffer.from(name), type: 'dir', list }
}

async function hits(check: TreeCheck, list: NodeList): Promise<string[]> {
  const paths = new Set<string>()
  await check.check(list, (path) => paths.add(path))
  return [...paths].sort()
}

/** `a/f000 … a/f099`, `b/c/deep`, `top`. */
function someTree(store: Store): NodeList {
  const many = Array.from({ length: 100 }, (_, i) => file(`f${String(i).padStart(3, '0')}`))
  return store.list([
    directory('a', store.list(many)),
    directory('b', store.list([directory('c', store.list([file('deep')]))])),
    file('top'),
  ])
}

t.test('what is missing is told by its path, in every snapshot that needs it', async (t) => {
  const store = new Store()
  const tree = someTree(store)
  const other = store.list([directory('elsewhere', tree), file('z')])
  const check = store.check()
  t.same(await hits(check, tree), [])
  t.ok(store.decoded > 0, 'the long list was decoded by a thread')

  for (const name of ['f007', 'deep', 'top']) store.gone.add(textOf(contentId(name)))
  const again = store.check()
  t.same(await hits(again, tree), ['a/f007', 'b/c/deep', 'top'])
  t.same(await hits(again, other), ['elsewhere/a/f007', 'elsewhere/b/c/deep', 'elsewhere/top'])
})

t.test('a list found whole is read once, whatever refers to it', async (t) => {
  const store = new Store()
  const tree = someTree(store)
  const check = store.check()
  await check.check(tree, () => t.fail('nothing is missing'))
  const { reads } = store
  t.equal(reads, 4, 'each list once')
  await check.check(tree, () => t.fail('nothing is missing'))
  t.equal(store.reads, reads)
  await check.check(store.list([directory('copy', tree), file('new')]), () => t.fail('nothing is missing'))
  t.equal(store.reads, reads + 1, 'only what is new')
})

t.test('a list that is gone or malformed hits its directory; the rest is looked at all the same', async (t) => {
  const store = new Store()
  const lost = store.list([file('under')])
  store.gone.add(textOf(lost.chunks[0] as ChunkId))
  const odd: NodeList = { depth: 0, chunks: [store.put(Buffer.from('PXtnxxxx'))] }
  store.gone.add(textOf(contentId('last')))
  const tree = store.list([file('last'), directory('lost', lost), directory('odd', odd)])
  t.same(await hits(store.check(), tree), ['last', 'lost', 'odd'])
})

t.test('leaves of one directory are in order', async (t) => {
  const store = new Store()
  const [ab, cd, none] = [[file('a'), file('b')], [file('c'), file('d')], []].map((nodes) =>
    store.put(encodeNodes(nodes)),
  )
  const hitsOf = (...chunks: (ChunkId | undefined)[]) =>
    hits(store.check(), { depth: 0, chunks: chunks as readonly ChunkId[] })
  t.same(await hitsOf(ab, cd), [])
  t.same(await hitsOf(ab, none, cd), [], 'as whoever reads it takes it')
  t.same(await hitsOf(cd, ab), [''])
  t.same(await hitsOf(ab, ab), [''])
  t.same(await hitsOf(none, none), [''])
  const above = store.put(encodeObject('PXtl', [cd as Uint8Array, ab as Uint8Array]))
  t.same(await hits(store.check(), { depth: 1, chunks: [above] }), [''])
})

t.test('content with lists of its own', async (t) => {
  const store = new Store()
  const extents = ['x', 'y'].map((name) => [contentId(name), 0, 5])
  const chunk = store.put(encodeObject('PXex', extents))
  const long = (size: number): NodeList =>
    store.list([
      {
        ...look,
        name: Buffer.from('long'),
        type: 'file',
        size,
        content: { depth: 1, extents: [{ chunk, from: 0, length: 10 }] },
      },
    ])
  t.same(await hits(store.check(), long(10)), [])
  t.same(await hits(store.check(), long(11)), ['long'], 'extents do not add up')
  store.gone.add(textOf(contentId('y')))
  t.same(await hits(store.check(), long(10)), ['long'])
})

t.test('deeper than a restore would follow is a hit; an aborted check throws', async (t) => {
  const store = new Store()
  const name = 'd'.repeat(900)
  let list = store.list([file('bottom')])
  for (let i = 0; i < 40; i++) list = store.list([directory(name, list)])
  const paths = await hits(store.check(), list)
  t.equal(paths.length, 1)
  t.equal(paths[0]?.split('/').length, 37, 'the first beyond 32 KiB')
  await t.rejects(
    store.check(AbortSignal.abort(new Error('stop'))).check(list, () => undefined),
    /stop/,
  )
})

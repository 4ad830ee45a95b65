import fc from 'fast-check'
import t from 'tap'
import { decodeNodes, encodeNodes, nodePlain, type TreeNode } from '../../src/backup/tree/node.ts'
import { encodeObject } from '../../src/backup/codec/object.ts'
import { ContentBuilder, NodeListBuilder } from '../../src/backup/tree/list-builder.ts'
import { TreeReader } from '../../src/backup/tree/tree-reader.ts'
import {
  decodeSnapshot,
  decodeSnapshotList,
  encodeSnapshot,
  encodeSnapshotList,
  type Snapshot,
  type SnapshotId,
} from '../../src/backup/snapshot/snapshot.ts'
import { decodeSegment, encodeSegment } from '../../src/backup/head/segment-codec.ts'
import { makeFrame, openFrame, readFrame, framePlain } from '../../src/backup/head/inline.ts'
import { decodeHeadBody, encodeHeadBody, type HeadBody } from '../../src/backup/head/head-body.ts'
import { toHex } from '../../src/base/bytes.ts'
import type { Plain } from '../../src/crypto/codec.ts'
import { peerKeyOf, vaultId } from '../../src/crypto/ids.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { collect } from '../support/vault.ts'
import { chunkId, groupId, shardId, stripeRecord, type ChunkId } from '../../src/shard/index.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const name = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .filter((b) => !b.includes(0) && !b.includes(0x2f) && !(b.length <= 2 && b.every((x) => x === 0x2e)))
const common = {
  name,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.nat(),
  gid: fc.nat(),
  mtimeNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
}
const extent = fc.record({
  chunk: fc.option(bytes(32).map((b) => chunkId(b))),
  from: fc.nat(),
  length: fc.integer({ min: 1 }),
})
const node: fc.Arbitrary<TreeNode> = fc.oneof(
  fc.record({
    ...common,
    type: fc.constant('file' as const),
    size: fc.nat(),
    content: fc.record({ depth: fc.nat(8), extents: fc.array(extent, { maxLength: 5 }) }),
  }),
  fc.record({
    ...common,
    type: fc.constant('dir' as const),
    list: fc.record({
      depth: fc.nat(8),
      chunks: fc.array(
        bytes(32).map((b) => chunkId(b)),
        { maxLength: 5 },
      ),
    }),
  }),
  fc.record({
    ...common,
    type: fc.constant('link' as const),
    target: fc.uint8Array({ maxLength: 50 }),
    user: fc.string({ maxLength: 20 }).filter((s) => s.isWellFormed() && !s.startsWith('\uFEFF')),
  }),
)
const sorted = fc
  .uniqueArray(node, { minLength: 1, maxLength: 8, selector: (n) => toHex(n.name) })
  .map((nodes) => nodes.toSorted((a, b) => Buffer.compare(a.name, b.name)))

t.test('nodes: what was encoded is decoded, in one way only', async (t) => {
  fc.assert(
    fc.property(sorted, (nodes) => {
      const encoded = encodeNodes(nodes)
      t.same(Buffer.from(encodeNodes(decodeNodes(encoded))), Buffer.from(encoded))
      fc.pre(nodes.length > 1)
      t.throws(() => decodeNodes(encodeNodes(nodes.toReversed())), { code: 'VALIDATION_DECODE' })
    }),
    { numRuns: 60 },
  )
})

t.test('nodes: nothing unsafe or unknown is decoded', async (t) => {
  const good = nodePlain({
    name: Buffer.from('a'),
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    size: 0,
    content: { depth: 0, extents: [] },
  })
  const variants: Record<string, Plain>[] = [
    ...['', '.', '..', 'a/b', '/etc/passwd', '../x', 'a\0b', 'x'.repeat(1025)].map((bad) => ({
      name: Buffer.from(bad),
    })),
    { mode: 0o10000 },
    { type: 'door' },
    { size: -1 },
    { depth: 9 },
    { surprise: 1 },
    { mtime: 2n ** 63n },
    { extents: [[Buffer.alloc(31), 0, 1]] },
    { origin: 'text' },
  ]
  t.ok(decodeNodes(encodeObject('PXtn', [good])).length)
  for (const variant of variants)
    t.throws(() => decodeNodes(encodeObject('PXtn', [{ ...(good as object), ...variant }])), {
      code: 'VALIDATION_DECODE',
    })
  t.throws(() => decodeNodes(encodeObject('PXex', [good])), { code: 'VALIDATION_DECODE' })
  t.throws(() => decodeNodes(encodeObject('PXtn', [good, good])), { code: 'VALIDATION_DECODE' }, 'a name twice')
})

class Memory {
  readonly chunks = new Map<string, Uint8Array>()
  putObject = (object: Uint8Array): Promise<ChunkId> => {
    const id = chunkId(sha256(object))
    this.chunks.set(toHex(id), object)
    return Promise.resolve(id)
  }
  reader(): TreeReader {
    return new TreeReader((id) => Promise.resolve(this.chunks.get(toHex(id)) ?? new Uint8Array(0)))
  }
}

t.test('lists of any length come back, and a change in the middle leaves most pieces alone', async (t) => {
  const build = async (store: Memory, seeds: readonly number[]) => {
    const builder = new ContentBuilder(store)
    for (const i of seeds) await builder.push({ chunk: chunkId(sha256(Buffer.from(String(i)))), from: 0, length: 10 })
    return builder.finish()
  }
  for (const count of [0, 1, 32, 33, 100, 20_000]) {
    const store = new Memory()
    const content = await build(
      store,
      Array.from({ length: count }, (_, i) => i),
    )
    let at = 0
    for await (const { chunk } of store.reader().extents(content, count * 10)) {
      if (chunk === null || toHex(chunk) !== toHex(sha256(Buffer.from(String(at))))) t.fail('another extent')
      at++
    }
    t.equal(at, count)
    await t.rejects(collect(store.reader().extents(content, count * 10 + 1)), { code: 'VALIDATION_DECODE' })
  }
  const store = new Memory()
  const seeds = Array.from({ length: 20_000 }, (_, i) => i)
  await build(store, seeds)
  const before = store.chunks.size
  await build(store, seeds.toSpliced(10_000, 0, -1))
  t.ok(store.chunks.size - before <= 6, `${String(store.chunks.size - before)} new pieces`)
})

t.test('a directory of many entries', async (t) => {
  const store = new Memory()
  const builder = new NodeListBuilder(store)
  for (let i = 0; i < 30_000; i++) {
    const name = Buffer.from(String(i).padStart(8, '0'))
    await builder.push({ name, type: 'link', mode: 0o777, uid: 0, gid: 0, mtimeNs: 5n, target: name })
  }
  const list = await builder.finish()
  let count = 0
  for await (const found of store.reader().nodes(list)) if (found.name.length === 8) count++
  t.equal(count, 30_000)
  t.ok([...store.chunks.values()].every((object) => object.length <= 262_144))
})

const idMac = sha256(Buffer.from('id-mac'))
const snapshot: Snapshot = {
  id: 'ab'.repeat(16) as SnapshotId,
  time: 1_700_000_000_000,
  device: peerKeyOf(sha256(Buffer.from('d'))),
  name: 'name',
  tags: ['one', 'two'],
  paths: [Buffer.from('/home/x')],
  tree: { depth: 0, chunks: [chunkId(sha256(Buffer.from('t')))] },
  stats: { files: 1, dirs: 2, bytes: 3, skipped: 0 },
  parent: null,
  partial: false,
  note: '',
}

t.test('snapshots carry the MAC of their vault', async (t) => {
  const stored = encodeSnapshot(snapshot, idMac)
  t.same(encodeSnapshot(decodeSnapshot(stored, idMac), idMac), stored)
  t.throws(() => decodeSnapshot(stored, sha256(idMac)), { code: 'SECURITY_SIGNATURE' })
  for (let i = 0; i < stored.length; i += 7) {
    const flipped = Uint8Array.from(stored)
    flipped[i] = (flipped[i] ?? 0) ^ 1
    t.throws(() => decodeSnapshot(flipped, idMac))
  }
  t.same(decodeSnapshotList(encodeSnapshotList([stored])).length, 1)
})

t.test('head, segments and frames come back as they were', async (t) => {
  const ids = [1, 2, 3].map((i) => shardId(sha256(Buffer.from(String(i)))))
  const stripe = stripeRecord({ k: 2, n: 3, ids, group: groupId(Buffer.alloc(16, 7)) })
  const segment = encodeSegment({
    shards: [{ id: ids[0] ?? shardId(Buffer.alloc(32)), prefixes: Buffer.alloc(48, 1) }],
    stripes: [stripe],
  })
  t.same(encodeSegment(decodeSegment(segment)), segment)
  const chunks = ['a', 'bb', 'c'.repeat(1000)].map((text) => ({
    id: chunkId(sha256(Buffer.from(text))),
    bytes: Buffer.from(text),
  }))
  const frame = await makeFrame(chunks)
  if (frame === undefined) throw new Error('no frame')
  t.same(
    openFrame(readFrame(framePlain(frame))).map(({ bytes: b }) => Buffer.from(b).toString()),
    ['a', 'bb', 'c'.repeat(1000)],
  )
  t.throws(() => openFrame({ ...frame, entries: frame.entries.slice(1) }), { code: 'VALIDATION_DECODE' })
  const host = { peer: peerKeyOf(sha256(Buffer.from('h'))), addresses: ['/ip4/127.0.0.1/tcp/1'] }
  const head: HeadBody = {
    vault: vaultId(sha256(Buffer.from('v'))),
    device: host.peer,
    seq: 2,
    prev: sha256(Buffer.from('p')),
    time: 5,
    authority: { version: 1, hash: sha256(Buffer.from('a')) },
    groups: [
      {
        id: groupId(Buffer.alloc(16, 7)),
        version: 3,
        k: 1,
        n: 1,
        slots: [{ host, former: [host] }],
        standbys: [],
        returnRates: [0.98],
      },
    ],
    snapshots: [
      {
        chunk: chunkId(sha256(Buffer.from('s'))),
        body: encodeSnapshot(snapshot, idMac),
        shardsRoot: sha256(Buffer.alloc(0)),
        shardCount: 0,
      },
    ],
    older: [chunkId(sha256(Buffer.from('o')))],
    roots: [{ stripes: [stripe], chunks: [chunkId(sha256(Buffer.from('r')))] }],
    segments: [segment],
    inline: [frame],
    tombstones: ['cd'.repeat(16) as SnapshotId],
  }
  const encoded = encodeHeadBody(head)
  t.same(Buffer.from(encodeHeadBody(decodeHeadBody(encoded))), Buffer.from(encoded))
  t.throws(() => decodeHeadBody(encoded.subarray(0, -1)), { code: 'VALIDATION_DECODE' })
})

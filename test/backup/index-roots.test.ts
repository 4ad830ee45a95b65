/** The index outside the head: what hosts keep is enough to find everything again, whatever was merged and released. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decodeSegment, encodeSegment, splitSegments } from '../../src/backup/head/segment-codec.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { groupId, shardId, stripeRecord, type ShardId } from '../../src/shard/index.ts'
import { MAX_ENTRIES } from '../../src/shard/options.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { describeTree, noise } from '../support/source-tree.ts'
import { deviceOf, never, newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

/** Index segments leave the head early, and roots are merged soon. */
const options = {
  maxInlineSegmentBytes: 256,
  maxIndexRoots: 2,
  maxInlineBytes: 0,
  chunk: { minBytes: 16 * 1024, averageBytes: 64 * 1024, maxBytes: 256 * 1024 },
}

for (const hosts of [1, 2, 6]) {
  t.test(`index roots on ${String(hosts)} hosts: merged, released, recovered`, async (t) => {
    const dir = await temporaryDirectory(t)
    const source = join(dir, 'source')
    mkdirSync(source)
    const world = new MemoryHosts(hosts)
    const { keys, phrase } = newVault()
    const engine = await openEngine({ keys, home: join(dir, 'home'), network: new MemoryNetwork(world), options })
    for (let i = 0; i < 8; i++) {
      writeFileSync(join(source, `file-${String(i)}`), noise(String(i), 1_100_000))
      t.match(await summaryOf(engine.backup({ paths: [source] }, never)), { queued: 0 })
    }
    await engine.close()
    // The floor runs out: what was released is gone.
    for (const { shards, released } of world.hosts) for (const id of released) shards.delete(id)

    const network = new MemoryNetwork(world)
    const found = await network.findHeads()
    const bundle = found[0]?.bundle
    const again = await openEngine({ keys: deviceOf(phrase, bundle), home: join(dir, 'again'), network, options })
    t.teardown(() => again.close())
    t.match(await again.adopt(found, never), { snapshots: 8, alarms: { length: 0 } })
    const summary = await summaryOf(again.restore({ snapshot: 'latest', to: join(dir, 'out') }, never))
    t.match(summary, { failed: [], files: 8 })
    t.same(describeTree(join(dir, 'out/source')), describeTree(source))
  })
}

t.test('a stripe with the most chunks there can be is told in segments that can be read', (t) => {
  const shards = ['a', 'b', 'c'].map((name) => ({
    id: shardId(sha256(Buffer.from(name))),
    prefixes: new Uint8Array(MAX_ENTRIES * 16).fill(name.charCodeAt(0)),
  }))
  const group = groupId(new Uint8Array(16))
  const record = stripeRecord({ k: 3, n: 3, ids: shards.map(({ id }) => id), group })
  const few = stripeRecord({ k: 1, n: 1, ids: [shardId(sha256(Buffer.from('d')))], group })
  const small = { id: few.ids[0] as ShardId, prefixes: new Uint8Array(16) }
  const segments = splitSegments(
    [
      { record, shards },
      { record: few, shards: [small] },
    ],
    192 * 1024,
  ).map((segment) => decodeSegment(encodeSegment(segment)))
  t.equal(segments.length, 4)
  t.same(
    segments.flatMap((segment) => segment.shards.map(({ id }) => id)),
    [...shards, small].map(({ id }) => id),
  )
  for (const { shards: listed, stripes } of segments)
    for (const { id } of listed) t.ok(stripes.some(({ ids }) => ids.some((one) => Buffer.compare(one, id) === 0)))
  t.end()
})

import t from 'tap'
import fc from 'fast-check'
import { leafHash, merkleProof, merkleRoot, verifyMerkleProof } from '../../src/crypto/merkle.ts'
import {
  LEAF_BYTES,
  LEAVES,
  SHARD_BYTES,
  ShardHasher,
  shardLeafHashes,
  shardRoot,
  verifyShard,
} from '../../src/shard/index.ts'
import { noise } from './samples.ts'

const shard = noise(SHARD_BYTES, 1)
const leaves = Array.from({ length: LEAVES }, (_, i) => shard.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES))

t.test('the root is the RFC 6962 tree hash over 64 leaves', async (t) => {
  t.same(Buffer.from(shardRoot(shard)), Buffer.from(merkleRoot(leaves.map(leafHash))))
  t.same(
    shardLeafHashes(shard).map(String),
    leaves.map((leaf) => String(leafHash(leaf))),
  )
})

t.test('any single leaf is proven by six hashes', async (t) => {
  const hashes = shardLeafHashes(shard)
  const root = shardRoot(shard)
  for (let index = 0; index < LEAVES; index++) {
    const path = merkleProof(hashes, index)
    t.equal(path.length, 6)
    t.ok(verifyMerkleProof({ leafHash: leafHash(leaves[index]!), index, count: LEAVES, path, root }))
  }
})

t.test('a shard that arrives in pieces of any size has the same root', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 20 }), (sizes) => {
      const hasher = new ShardHasher()
      let at = 0
      for (const size of [...sizes, SHARD_BYTES]) {
        const end = Math.min(SHARD_BYTES, at + size)
        hasher.update(shard.subarray(at, end))
        at = end
      }
      return Buffer.compare(hasher.root(), shardRoot(shard)) === 0
    }),
    { numRuns: 15 },
  )
  t.pass()
})

t.test('a flipped bit anywhere is another shard', async (t) => {
  const id = shardRoot(shard)
  t.ok(verifyShard(shard, id))
  for (let i = 0; i < 40; i++) {
    const position = (i * 26_953 + 7) % SHARD_BYTES
    const copy = Buffer.from(shard)
    copy[position]! ^= 1 << (i % 8)
    t.notOk(verifyShard(copy, id), `byte ${String(position)}`)
  }
})

t.test('other lengths are refused', async (t) => {
  const id = shardRoot(shard)
  for (const length of [0, 1, SHARD_BYTES - 1, SHARD_BYTES + 1]) {
    const bytes = Buffer.alloc(length)
    t.notOk(verifyShard(bytes, id))
    t.throws(() => shardRoot(bytes), { code: 'STORAGE_SHARD_SIZE', details: { bytes: length } })
    const hasher = new ShardHasher()
    t.throws(
      () => {
        hasher.update(bytes)
        hasher.root()
      },
      { code: 'STORAGE_SHARD_SIZE', details: { bytes: length } },
    )
  }
})

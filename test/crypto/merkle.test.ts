import { createHash } from 'node:crypto'
import t from 'tap'
import fc from 'fast-check'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { leafHash, merkleProof, merkleRoot, nodeHash, RootHasher, verifyMerkleProof } from '../../src/crypto/merkle.ts'
import { loadVectors } from '../support/vectors.ts'

const h = (...parts: Uint8Array[]): Buffer => {
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest()
}

/** RFC 6962 § 2.1 word for word. */
function mth(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return h()
  if (leaves.length === 1) return h(Buffer.of(0), leaves[0] as Uint8Array)
  const k = split(leaves.length)
  return h(Buffer.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)))
}

/** RFC 6962 § 2.1.1 word for word. */
function path(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  return m < k
    ? [...path(m, leaves.slice(0, k)), mth(leaves.slice(k))]
    : [...path(m - k, leaves.slice(k)), mth(leaves.slice(0, k))]
}

const split = (n: number): number => 2 ** (Math.ceil(Math.log2(n)) - 1)
const leavesOf = (n: number): Buffer[] => Array.from({ length: n }, (_, i) => Buffer.alloc(i % 40, i))

/** The certificate-transparency reference leaves and roots. */
const ctLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => fromHex(hex))
const ctRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

t.test('certificate transparency reference roots', (t) => {
  t.equal(toHex(merkleRoot([])), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  ctRoots.forEach((root, i) => {
    t.equal(toHex(merkleRoot(ctLeaves.slice(0, i + 1).map(leafHash))), root)
  })
  t.end()
})

t.test('roots, streamed roots and merkletreejs proofs equal the RFC for 1 to 130 leaves', (t) => {
  for (let n = 1; n <= 130; n++) {
    const leaves = leavesOf(n)
    const hashes = leaves.map(leafHash)
    const root = mth(leaves)
    const streamed = new RootHasher()
    for (const leaf of leaves) streamed.update(leaf)
    if (!root.equals(merkleRoot(hashes)) || !root.equals(streamed.root())) t.fail(`root of ${String(n)}`)
    for (const index of new Set([0, n >> 1, n - 2, n - 1])) {
      if (index < 0) continue
      const proof = merkleProof(hashes, index)
      if (!Buffer.concat(proof).equals(Buffer.concat(path(index, leaves))))
        t.fail(`path ${String(index)} of ${String(n)}`)
      const leaf = hashes[index] as Uint8Array
      if (!verifyMerkleProof({ leafHash: leaf, index, count: n, path: proof, root }))
        t.fail(`proof ${String(index)} of ${String(n)}`)
    }
  }
  t.pass('all equal')
  t.end()
})

t.test('long leaves take the streaming path and hash the same', (t) => {
  for (const n of [0, 1, 1023, 1024, 1025, 16_384, 70_000]) {
    const data = Buffer.alloc(n, 0xa5)
    t.same(leafHash(data), h(Buffer.of(0), data))
  }
  t.same(nodeHash(h(), h()), h(Buffer.of(1), h(), h()))
  t.end()
})

t.test('property: a proof holds for its own leaf, index, count, path and root only', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(), fc.nat(), (count, at, noise) => {
      const hashes = leavesOf(count).map((leaf, i) => leafHash(Buffer.concat([leaf, Buffer.of(i)])))
      const index = at % count
      const root = merkleRoot(hashes)
      const proof = merkleProof(hashes, index)
      const good = { leafHash: hashes[index] as Uint8Array, index, count, path: proof, root }
      t.ok(verifyMerkleProof(good))
      const flip = (bytes: Uint8Array): Uint8Array =>
        bytes.map((byte, i) => (i === noise % bytes.length ? byte ^ (1 + (noise % 255)) : byte))
      const wrong = [
        { ...good, leafHash: flip(good.leafHash) },
        { ...good, root: flip(root) },
        { ...good, path: [...proof, h()] },
        { ...good, path: proof.slice(1), ...(proof.length === 0 ? { count: 2 } : {}) },
        { ...good, index: -1 },
        { ...good, index: count },
        { ...good, index: 0.5 },
        { ...good, count: 0 },
        { ...good, count: Infinity },
        { ...good, leafHash: good.leafHash.subarray(1) },
        ...proof.map((step, i) => ({ ...good, path: proof.map((one, j) => (i === j ? flip(step) : one)) })),
        ...hashes.map((_, other) => ({ ...good, index: other })).filter((claim) => claim.index !== index),
      ]
      for (const claim of wrong) t.notOk(verifyMerkleProof(claim))
    }),
    { numRuns: 60 },
  )
  t.end()
})

t.test('the three forgeries of an unhardened tree fail', (t) => {
  const [a, b, c] = [Buffer.of(1), Buffer.of(2), Buffer.of(3)] as const
  const hashes = [a, b, c].map(leafHash)
  const root = merkleRoot(hashes)
  // A duplicated odd leaf has the same root in Bitcoin-like trees.
  t.notSame(merkleRoot([...hashes, leafHash(c)]), root)
  // An inner node shown as a leaf of a smaller tree.
  const inner = Buffer.concat([leafHash(a), leafHash(b)])
  t.notSame(merkleRoot([leafHash(inner), leafHash(c)]), root)
  t.notOk(verifyMerkleProof({ leafHash: leafHash(inner), index: 0, count: 2, path: [leafHash(c)], root }))
  // Sorted pairs would let two leaves change places.
  t.notSame(merkleRoot([b, a, c].map(leafHash)), root)
  t.end()
})

t.test('a root made to fit a path of the wrong length proves nothing', (t) => {
  const [leaf, other] = [leafHash(Buffer.of(1)), leafHash(Buffer.of(2))]
  const claim = { leafHash: leaf, index: 0, count: 1 }
  t.ok(verifyMerkleProof({ ...claim, path: [], root: leaf }))
  for (const root of [nodeHash(other, leaf), nodeHash(leaf, other)])
    t.notOk(verifyMerkleProof({ ...claim, path: [other], root }))
  t.notOk(verifyMerkleProof({ ...claim, count: 3, path: [other], root: nodeHash(leaf, other) }))
  t.end()
})

t.test('a streamed root can be asked for at any time', (t) => {
  const hasher = new RootHasher()
  t.same(hasher.root(), merkleRoot([]))
  for (let n = 1; n < 40; n++) {
    hasher.push(leafHash(Buffer.of(n)))
    t.equal(hasher.count, n)
    t.same(hasher.root(), merkleRoot(Array.from({ length: n }, (_, i) => leafHash(Buffer.of(i + 1)))))
  }
  t.end()
})

t.test('proofs of the vectors are those we would make', async (t) => {
  const hashes = Array.from({ length: 7 }, (_, i) => leafHash(Buffer.from(`leaf ${String(i)}`)))
  let compared = 0
  for (const { name, input } of loadVectors('01-keys')) {
    const index = /^Merkle proof of leaf (\d+) of 7$/.exec(name)?.[1]
    if (index === undefined) continue
    t.same(merkleProof(hashes, Number(index)).map(toHex), input['path'], name)
    compared++
  }
  t.ok(compared > 0)
})

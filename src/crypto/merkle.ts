/**
 * RFC 6962 Merkle trees over SHA-256: leaf `H(0x00‖data)`, node `H(0x01‖l‖r)`. Spec: docs/spec/01-keys.md § Merkle tree
 *
 * Roots come from straight loops (hot path), proofs from merkletreejs hardened: our own leaf and node hash, no
 * duplicated odd node, no sorting. The tests hold the two against each other and against the RFC. Invariant: index and
 * leaf count are checked with the path, so one root and count have one list of leaves.
 */
import { createHash, hash } from 'node:crypto'
import { MerkleTree } from 'merkletreejs'
import { equal, view } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { MAX_MERKLE_LEAVES } from './options.ts'

const HASH_BYTES = 32
/** Up to this length a copy behind the prefix byte is cheaper than a hash object. */
const SCRATCH_BYTES = 1024

const leafScratch = Buffer.alloc(1 + SCRATCH_BYTES, 0)
const nodeScratch = Buffer.alloc(1 + 2 * HASH_BYTES, 1)
const LEAF_PREFIX = Uint8Array.of(0)

/** `H(0x00‖data)`, 32 bytes. */
export function leafHash(data: Uint8Array): Uint8Array {
  if (data.length > SCRATCH_BYTES) return createHash('sha256').update(LEAF_PREFIX).update(data).digest()
  leafScratch.set(data, 1)
  return hash('sha256', leafScratch.subarray(0, 1 + data.length), 'buffer')
}

/** `H(0x01‖left‖right)`, 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  invariant(left.length === HASH_BYTES && right.length === HASH_BYTES, 'a node joins two hashes')
  nodeScratch.set(left, 1)
  nodeScratch.set(right, 1 + HASH_BYTES)
  return hash('sha256', nodeScratch, 'buffer')
}

/** Root over leaf hashes; of none, `H("")`. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  let level = leafHashes
  if (level.length === 0) return hash('sha256', '', 'buffer')
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Uint8Array
      const right = level[i + 1]
      above.push(right === undefined ? left : nodeHash(left, right))
    }
    level = above
  }
  return level[0] as Uint8Array
}

/** Audit path of leaf `index`, from its sibling up to below the root (RFC 6962 § 2.1.1). */
export function merkleProof(leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  const leaf = leafHashes[index]
  invariant(leaf !== undefined, 'the leaf is in the tree')
  return hardenedTree(leafHashes)
    .getProof(view(leaf), index)
    .map((step) => step.data)
}

/** True if the leaf is number `index` of exactly `count` under `root`. Never throws; a path of the wrong length is false. */
export function verifyMerkleProof(claim: {
  leafHash: Uint8Array
  index: number
  count: number
  path: readonly Uint8Array[]
  root: Uint8Array
}): boolean {
  const { index, count, path } = claim
  if (!Number.isInteger(count) || count > MAX_MERKLE_LEAVES) return false
  if (!Number.isInteger(index) || index < 0 || index >= count) return false
  if (![claim.leafHash, ...path].every((one) => one.length === HASH_BYTES)) return false
  let at = index
  let last = count - 1
  let node = claim.leafHash
  for (const sibling of path) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sibling, node)
      // A lone last node rises without a sibling until it is a right child.
      while (at % 2 === 0 && at !== 0) {
        at >>= 1
        last >>= 1
      }
    } else {
      node = nodeHash(node, sibling)
    }
    at >>= 1
    last >>= 1
  }
  return last === 0 && equal(node, claim.root)
}

/** Root of leaves that arrive one by one; keeps one hash per level. */
export class RootHasher {
  /** Roots of the complete subtrees so far, largest first, with their sizes. */
  readonly #complete: { root: Uint8Array; leaves: number }[] = []
  #count = 0

  /** Leaves so far. */
  get count(): number {
    return this.#count
  }

  update(leafData: Uint8Array): void {
    this.push(leafHash(leafData))
  }

  /** A leaf whose hash is known. */
  push(hashOfLeaf: Uint8Array): void {
    let node = { root: hashOfLeaf, leaves: 1 }
    for (let top = this.#complete.at(-1); top?.leaves === node.leaves; top = this.#complete.at(-1)) {
      node = { root: nodeHash(top.root, node.root), leaves: 2 * node.leaves }
      this.#complete.pop()
    }
    this.#complete.push(node)
    this.#count += 1
  }

  /** Root so far; more leaves may follow. */
  root(): Uint8Array {
    const roots = this.#complete.map((one) => one.root)
    return roots.length === 0 ? merkleRoot([]) : roots.reduceRight((right, left) => nodeHash(left, right))
  }
}

/** Our node hash reaches merkletreejs as its hash of two concatenated nodes. */
function hardenedTree(leafHashes: readonly Uint8Array[]): MerkleTree {
  const join = (both: Uint8Array): Buffer => view(nodeHash(both.subarray(0, HASH_BYTES), both.subarray(HASH_BYTES)))
  return new MerkleTree(leafHashes.map(view), join, {
    hashLeaves: false,
    duplicateOdd: false,
    sortLeaves: false,
    sortPairs: false,
    isBitcoinTree: false,
    complete: false,
  })
}

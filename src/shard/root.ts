/**
 * Shard ids: the RFC 6962 tree hash over the 64 leaves of 16 KiB. Spec: docs/spec/02-shard.md § Shard id.
 * Kept equal by test to the general tree of `crypto/merkle.ts`; straight loops here because every stored byte passes.
 */
import { hash } from 'node:crypto'
import { copyInto, equal } from '../base/bytes.ts'
import { invariant, PlexiError } from '../base/errors.ts'
import type { ShardId } from './ids.ts'
import { LEAF_BYTES, LEAVES, SHARD_BYTES } from './options.ts'

/** Root over a whole shard. Throws `STORAGE_SHARD_SIZE` unless it is 1 MiB. */
export function shardRoot(bytes: Uint8Array): ShardId {
  return rootOf(shardLeafHashes(bytes))
}

/** Whether `bytes` are the shard of that id. Never throws: a wrong length is a wrong shard. */
export function verifyShard(bytes: Uint8Array, id: ShardId): boolean {
  return bytes.length === SHARD_BYTES && equal(shardRoot(bytes), id)
}

/** The 64 leaf hashes, for proofs (`merkleProof` of crypto). Throws `STORAGE_SHARD_SIZE` unless it is 1 MiB. */
export function shardLeafHashes(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length !== SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_SIZE', { bytes: bytes.length })
  const leaves: Uint8Array[] = []
  for (let at = 0; at < SHARD_BYTES; at += LEAF_BYTES) leaves.push(leafHash(bytes.subarray(at, at + LEAF_BYTES)))
  return leaves
}

/** Hashes a shard while it arrives in pieces of any size, without keeping more than one leaf. */
export class ShardHasher {
  readonly #leaf = Buffer.alloc(1 + LEAF_BYTES)
  #filled = 0
  readonly #leaves: Uint8Array[] = []

  /** Takes the next bytes. Throws `STORAGE_SHARD_SIZE` as soon as more than 1 MiB came. */
  update(bytes: Uint8Array): void {
    const total = this.#leaves.length * LEAF_BYTES + this.#filled + bytes.length
    if (total > SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_SIZE', { bytes: total })
    let at = 0
    while (at < bytes.length) {
      const take = Math.min(LEAF_BYTES - this.#filled, bytes.length - at)
      this.#leaf.set(bytes.subarray(at, at + take), 1 + this.#filled)
      this.#filled += take
      at += take
      if (this.#filled === LEAF_BYTES) this.#endLeaf()
    }
  }

  /** The shard's id once all of it came. Throws `STORAGE_SHARD_SIZE` before. */
  root(): ShardId {
    if (this.#leaves.length !== LEAVES) {
      throw new PlexiError('STORAGE_SHARD_SIZE', { bytes: this.#leaves.length * LEAF_BYTES + this.#filled })
    }
    return rootOf(this.#leaves)
  }

  #endLeaf(): void {
    this.#leaves.push(hash('sha256', this.#leaf, 'buffer'))
    this.#filled = 0
  }
}

/** One slab for all leaf hashes: hashing is synchronous, so nothing else can be in between. */
const leafSlab = Buffer.alloc(1 + LEAF_BYTES)
const nodeSlab = Buffer.alloc(65, 1)

function leafHash(leaf: Uint8Array): Uint8Array {
  copyInto(leafSlab, 1, leaf)
  return hash('sha256', leafSlab, 'buffer')
}

/** A full binary tree: 64 is a power of two, so RFC 6962 splits evenly on each level. */
function rootOf(leaves: readonly Uint8Array[]): ShardId {
  let level = leaves
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      nodeSlab.set(level[i] as Uint8Array, 1)
      nodeSlab.set(level[i + 1] as Uint8Array, 33)
      next.push(hash('sha256', nodeSlab, 'buffer'))
    }
    level = next
  }
  const root = level[0]
  invariant(root !== undefined, 'a tree has leaves')
  return root as ShardId
}

/**
 * Shared memory in which sealed shards cross to threads: read straight into it or copied once, never through a message.
 * Invariant: a slab has one holder at a time; there are as many as are in use at once.
 */
import { copyInto } from '../../base/bytes.ts'
import { SHARD_BYTES } from '../../shard/index.ts'

const free: Uint8Array[] = []
const MAX_FREE = 8

/** `work` gets shared memory for a shard, which is used again when it is done. */
export async function withSlab<T>(work: (slab: Uint8Array) => Promise<T>): Promise<T> {
  const slab = free.pop() ?? new Uint8Array(new SharedArrayBuffer(SHARD_BYTES))
  try {
    return await work(slab)
  } finally {
    if (free.length < MAX_FREE) free.push(slab)
  }
}

/** `work` gets the bytes of a shard in shared memory: where they lie, or a copy. */
export async function inSlab<T>(bytes: Uint8Array, work: (shared: Uint8Array) => Promise<T>): Promise<T> {
  if (bytes.length !== SHARD_BYTES || bytes.buffer instanceof SharedArrayBuffer) return work(bytes)
  return withSlab((slab) => {
    copyInto(slab, 0, bytes)
    return work(slab)
  })
}

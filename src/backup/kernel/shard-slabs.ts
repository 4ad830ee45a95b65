/** Shared memory in which sealed shards cross to threads: copied once, never through a message. As many as are in use at once. */
import { copyInto } from '../../base/bytes.ts'
import { SHARD_BYTES } from '../../shard/index.ts'

const free: Uint8Array[] = []
const MAX_FREE = 8

/** `work` gets the bytes in shared memory, which is used again when it is done. */
export async function inSlab<T>(bytes: Uint8Array, work: (shared: Uint8Array) => Promise<T>): Promise<T> {
  if (bytes.length !== SHARD_BYTES) return work(bytes)
  const slab = free.pop() ?? new Uint8Array(new SharedArrayBuffer(SHARD_BYTES))
  copyInto(slab, 0, bytes)
  try {
    return await work(slab)
  } finally {
    if (free.length < MAX_FREE) free.push(slab)
  }
}

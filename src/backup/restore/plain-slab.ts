/** Where a thread opens shards: its jobs run one after the other, so one plaintext at a time is enough. */
import { SHARD_PLAIN_BYTES } from '../../shard/index.ts'

let slab: Uint8Array | undefined

/** Overwritten by the next job. */
export function plainSlab(): Uint8Array {
  return (slab ??= Buffer.allocUnsafeSlow(SHARD_PLAIN_BYTES))
}

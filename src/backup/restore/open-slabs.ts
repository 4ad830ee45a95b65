/** Where a thread opens shards: its jobs run one after the other, so one shard at a time is enough. */
import { openSlabs, type OpenSlabs } from '../../shard/index.ts'

/** Chunks come in the order of the frames: one that is read, one that is still being written. */
const FRAMES = 2

let slabs: OpenSlabs | undefined

/** Overwritten by the next job. */
export function threadSlabs(): OpenSlabs {
  return (slabs ??= openSlabs(FRAMES))
}

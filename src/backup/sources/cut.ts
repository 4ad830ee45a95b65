/**
 * Cutting a byte stream of any length into chunks with bounded memory: two blocks, one being read while the other is
 * cut. Pieces are views, valid until the next one is asked for.
 */
import type { Chunker } from '../../shard/index.ts'

/** Fills (part of) `into`; 0 at the end. */
export type Fill = (into: Uint8Array) => Promise<number>

export async function* cut(
  chunker: Chunker,
  fill: Fill,
  sizes: { blockBytes: number; maxBytes: number },
): AsyncGenerator<Uint8Array> {
  const { blockBytes, maxBytes } = sizes
  const blocks = [Buffer.allocUnsafe(maxBytes + blockBytes), Buffer.allocUnsafe(maxBytes + blockBytes)] as const
  let current = 0
  let left: Uint8Array = new Uint8Array(0)
  let reading = readBlock(fill, blocks[0].subarray(maxBytes))
  try {
    for (;;) {
      const count = await reading
      const block = blocks[current % 2 === 0 ? 0 : 1]
      const next = blocks[current % 2 === 0 ? 1 : 0]
      current++
      // What the last block left over goes right in front of this one.
      block.set(left, maxBytes - left.length)
      let data = block.subarray(maxBytes - left.length, maxBytes + count)
      const last = count < blockBytes
      if (!last) reading = readBlock(fill, next.subarray(maxBytes))
      while (data.length >= maxBytes || (last && data.length > 0)) {
        const length = chunker.next(data)
        yield data.subarray(0, length)
        data = data.subarray(length)
      }
      if (last) return
      left = data
    }
  } finally {
    // Nobody may go on writing into the blocks, and a failed read must not go unnoticed by the runtime.
    await reading.catch(() => undefined)
  }
}

/** Reads until the block is full or the input ends. */
async function readBlock(fill: Fill, into: Uint8Array): Promise<number> {
  let at = 0
  while (at < into.length) {
    const count = await fill(into.subarray(at))
    if (count === 0) break
    at += count
  }
  return at
}

/** Turns a stream of pieces of any size into a `Fill`. */
export function fillFrom(stream: AsyncIterable<Uint8Array>): { fill: Fill; close: () => Promise<void> } {
  const iterator = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  return {
    fill: async (into) => {
      while (rest.length === 0) {
        const next = await iterator.next()
        if (next.done === true) return 0
        rest = next.value
      }
      const count = Math.min(rest.length, into.length)
      into.set(rest.subarray(0, count))
      rest = rest.subarray(count)
      return count
    },
    close: async () => {
      await iterator.return?.()
    },
  }
}

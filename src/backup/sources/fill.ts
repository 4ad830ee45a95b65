/** Byte streams of any kind as something that fills blocks. */

/** Fills (part of) `into`; 0 at the end. */
export type Fill = (into: Uint8Array) => Promise<number>

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

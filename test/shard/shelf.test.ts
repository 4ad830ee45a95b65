import t from 'tap'
import fc from 'fast-check'
import { Shelf } from '../../src/shard/shelf.ts'

t.test('what waits keeps its bytes, however it comes and goes', async () => {
  const step = fc.record({ length: fc.integer({ min: 1, max: 400_000 }), gone: fc.nat(3) })
  const run = (steps: readonly { length: number; gone: number }[]): boolean => {
    const shelf = new Shelf()
    let waiting: { bytes: Uint8Array; fill: number }[] = []
    for (const [fill, { length, gone }] of steps.entries()) {
      waiting = waiting.slice(gone)
      const all = waiting.reduce((sum, { bytes }) => sum + bytes.length, length)
      if (shelf.makeRoom(length, all)) waiting = waiting.map((one) => ({ ...one, bytes: shelf.take(one.bytes) }))
      waiting.push({ bytes: shelf.take(new Uint8Array(length).fill(fill)), fill })
      if (!waiting.every(({ bytes, fill }) => bytes.every((byte) => byte === fill % 256))) return false
    }
    return true
  }
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), run), { numRuns: 40 })
})

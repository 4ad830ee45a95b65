import t from 'tap'
import fc from 'fast-check'
import { Shelf } from '../../src/shard/shelf.ts'

t.test('what waits keeps its bytes, however it comes and goes', async () => {
  const step = fc.record({ length: fc.integer({ min: 1, max: 400_000 }), gone: fc.array(fc.nat(9), { maxLength: 3 }) })
  const run = (steps: readonly { length: number; gone: readonly number[] }[]): boolean => {
    const shelf = new Shelf()
    let waiting: { bytes: Uint8Array; fill: number }[] = []
    for (const [fill, { length, gone }] of steps.entries()) {
      waiting = waiting.filter((_, i) => !gone.includes(i))
      if (!shelf.hasRoom(length)) {
        const moved = shelf.makeRoom(
          length,
          waiting.map(({ bytes }) => bytes),
        )
        waiting = waiting.map((one, i) => ({ ...one, bytes: moved[i] as Uint8Array }))
      }
      waiting.push({ bytes: shelf.take(new Uint8Array(length).fill(fill)), fill })
      if (!waiting.every(({ bytes, fill }) => bytes.every((byte) => byte === fill % 256))) return false
    }
    return true
  }
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), run), { numRuns: 40 })
})

import t from 'tap'
import fc from 'fast-check'
import { pickFitting, type Candidate } from '../../src/shard/pick.ts'

const EMPTY_SHARD = { room: 1_048_477, frameBytes: 1 << 20, entries: 16_384 }
const raw = (length: number): Candidate => ({ length, cost: length + 42 })

t.test('never exceeds the room, the frame, the entries or an empty shard', async (t) => {
  const candidate = fc
    .tuple(fc.integer({ min: 1, max: 300_000 }), fc.double({ min: 0.01, max: 1, noNaN: true }))
    .map(([length, ratio]) => ({ length, cost: Math.ceil(length * ratio) + 42 }))
  fc.assert(
    fc.property(
      fc.array(candidate, { maxLength: 120 }),
      fc.record({
        room: fc.integer({ min: 0, max: 1_048_477 }),
        frameBytes: fc.integer({ min: 1, max: 1 << 20 }),
        entries: fc.integer({ min: 0, max: 100 }),
      }),
      (waiting, room) => {
        const { picked } = pickFitting(waiting, room)
        const plain = picked.reduce((sum, i) => sum + waiting[i]!.length, 0)
        const cost = picked.reduce((sum, i) => sum + waiting[i]!.cost, 13)
        return (
          new Set(picked).size === picked.length &&
          (picked.length === 0 || cost <= room.room) &&
          (picked.length <= 1 || plain <= room.frameBytes) &&
          plain + 42 * picked.length + 20 <= 1_048_484 &&
          picked.length <= room.entries
        )
      },
    ),
    { numRuns: 1500, interruptAfterTimeLimit: 3000 },
  )
  t.pass()
})

t.test('source order while there is room', async (t) => {
  const waiting = Array.from({ length: 40 }, () => ({ length: 60_000, cost: 6_000 }))
  t.same(pickFitting(waiting, EMPTY_SHARD), { picked: [...Array(17).keys()], scarce: false })
})

t.test('the last room goes to the chunks that fill it best', async (t) => {
  const waiting = [400_000, 250_000, 90_000, 200_000, 110_111, 170_000, 150_000, 88_000].map(raw)
  const { picked, scarce } = pickFitting(waiting, EMPTY_SHARD)
  t.ok(scarce)
  t.equal(picked[0], 0)
  const plain = picked.reduce((sum, i) => sum + waiting[i]!.length, 0)
  t.ok(plain > 1_030_000, `${String(plain)} bytes`)
})

t.test('nothing fits: nothing is picked', async (t) => {
  t.same(pickFitting([raw(20_000), raw(30_000)], { ...EMPTY_SHARD, room: 10_000 }), { picked: [], scarce: true })
  t.same(pickFitting([], EMPTY_SHARD), { picked: [], scarce: false })
  t.same(pickFitting([raw(5)], { ...EMPTY_SHARD, entries: 0 }).picked, [])
})

t.test('one chunk of any length that a shard can hold makes a frame', async (t) => {
  for (const length of [1, 300_000, 1_048_421, 1_048_422]) {
    t.same(pickFitting([raw(length), raw(length)], { ...EMPTY_SHARD, frameBytes: 1000 }).picked[0], 0)
  }
  t.same(pickFitting([raw(1_048_423)], EMPTY_SHARD).picked, [])
})

import { getHeapSpaceStatistics } from 'node:v8'
import t from 'tap'
import { boundYoungGeneration } from '../../../src/daemon/system/memory.ts'

const MANY = 2_000_000

t.test('the young generation grows no more, however much survives', async (t) => {
  boundYoungGeneration()
  const before = youngBytes()
  const kept: unknown[] = []
  for (let i = 0; i < MANY; i++) kept[i % 100_000] = { i, of: [i] }
  t.ok(youngBytes() <= before)
  t.equal(kept.length, 100_000)
})

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}

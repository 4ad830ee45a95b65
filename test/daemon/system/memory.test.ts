import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { KiB, MiB } from '../../../src/base/bytes.ts'
import { libc } from '../../../src/daemon/system/libc.ts'
import { boundYoungGeneration, keepSmall } from '../../../src/daemon/system/memory.ts'

const MANY = 2_000_000

t.test('the young generation grows no more, however much survives', async (t) => {
  boundYoungGeneration()
  const before = youngBytes()
  const kept: unknown[] = []
  for (let i = 0; i < MANY; i++) kept[i % 100_000] = { i, of: [i] }
  t.ok(youngBytes() <= before)
  t.equal(kept.length, 100_000)
})

const canTrim = libc().trim === undefined ? { skip: 'this libc cannot give pages back' } : {}

t.test('pages that lie free between others go back to the system when the threads have ended', canTrim, (t) => {
  const [first, second] = [keepSmall(), keepSmall()]
  const all: (Buffer | undefined)[] = Array.from({ length: 3200 }, () => Buffer.allocUnsafeSlow(32 * KiB).fill(1))
  for (let i = 0; i < all.length; i++) if (i % 50 !== 0) all[i] = undefined
  collect()
  first()
  const before = process.memoryUsage.rss()
  second()
  const less = before - process.memoryUsage.rss()
  t.ok(less > 20 * MiB, `${String(Math.round(less / MiB))} MiB less`)
  t.ok(all[0])
  t.end()
})

function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
}

import t from 'tap'
import { Skips } from '../../../src/backup/backup/skips.ts'

t.test('what could not be read is told one by one, and counted from where that would take too much', async (t) => {
  const skips = new Skips()
  t.same([skips.first, skips.count, skips.list()], [undefined, 0, []])
  const one = { path: '/'.padEnd(1_000, 'x'), reason: 'permission denied' }
  for (let i = 0; i < 10_000; i++) skips.add(one)
  const list = skips.list()
  t.equal(skips.count, 10_000)
  t.equal(skips.first, one)
  t.ok(list.length > 1_000 && list.length < 5_000, `${String(list.length)} are told`)
  t.same(list.at(-1), { path: '', reason: `besides these, ${String(10_001 - list.length)} more could not be read` })
})

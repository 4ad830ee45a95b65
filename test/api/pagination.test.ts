/** Cursors: every item once, however the pages are cut; a stale cursor is told. */
import * as fc from 'fast-check'
import t from 'tap'
import { cutPage } from '../../src/api/pagination.ts'

const key = (item: number) => String(item)

t.test('pages put together are the list', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat()), fc.integer({ min: 1, max: 7 }), async (items, limit) => {
      const seen: number[] = []
      let cursor: string | undefined
      do {
        const page = await cutPage(items, key, { cursor, limit })
        if (page.items.length > limit) return false
        seen.push(...page.items)
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
      return JSON.stringify(seen) === JSON.stringify(items)
    }),
  )
  t.pass()
})

t.test('what is added before or after the cursor neither repeats nor hides anything', async (t) => {
  const first = await cutPage([5, 4, 3, 2], key, { limit: 2 })
  t.strictSame(first.items, [5, 4])
  const second = await cutPage([7, 6, 5, 4, 3, 2, 1], key, { cursor: first.next!, limit: 9 })
  t.strictSame(second, { items: [3, 2, 1], next: null })
})

t.test('stale and malformed cursors', async (t) => {
  const page = await cutPage([1, 2, 3], key, { limit: 2 })
  await t.rejects(cutPage([1, 3], key, { cursor: page.next!, limit: 2 }), { code: 'VALIDATION_USAGE' })
  await t.rejects(cutPage([1, 3], key, { cursor: '!!', limit: 2 }), { code: 'VALIDATION_FORMAT' })
})

t.test('a list that goes on behind an item is not read from its start', async (t) => {
  const asked: (string | undefined)[] = []
  const items = (after: string | undefined): number[] => {
    asked.push(after)
    return after === undefined ? [1, 2, 3] : [3]
  }
  const page = await cutPage(items, key, { limit: 2 })
  t.strictSame(await cutPage(items, key, { cursor: page.next!, limit: 2 }), { items: [3], next: null })
  t.same(asked, [undefined, '2'])
})

t.test('an iterator is read no further than the page needs', async (t) => {
  let read = 0
  function* endless(): Generator<number> {
    for (;;) yield read++
  }
  await cutPage(endless(), key, { limit: 10 })
  t.equal(read, 11)
})

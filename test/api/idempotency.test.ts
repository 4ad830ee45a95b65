/** Once per key: answers are shared and kept for their time, failures are not kept. */
import t from 'tap'
import { PlexiError } from '../../src/base/errors.ts'
import { IdempotencyStore } from '../../src/api/idempotency.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

/** A store, and work that counts how often it was done. */
function setup() {
  const clock = new VirtualClock()
  const store = new IdempotencyStore({ entries: 3, keepMs: 1000 }, clock)
  let done = 0
  return { clock, store, work: () => Promise.resolve(++done) }
}

t.test('the same key and request: one answer', async (t) => {
  const { store, work } = setup()
  t.strictSame(await Promise.all([store.once('k', 'a', work), store.once('k', 'a', work)]), [1, 1])
  t.equal(await store.once('other', 'a', work), 2)
  await t.rejects(store.once('k', 'b', work), { code: 'VALIDATION_USAGE' })
})

t.test('forgotten after its time, and when there are too many', async (t) => {
  const { store, work, clock } = setup()
  await store.once('k', 'a', work)
  await clock.advance(1001)
  t.equal(await store.once('k', 'a', work), 2)
  for (const key of ['x', 'y', 'z']) await store.once(key, 'a', work)
  t.equal(await store.once('k', 'a', work), 6)
})

t.test('a failure may be tried again', async (t) => {
  const { store, work } = setup()
  await t.rejects(
    store.once('k', 'a', () => Promise.reject(new PlexiError('STORAGE_IO'))),
    { code: 'STORAGE_IO' },
  )
  t.equal(await store.once('k', 'a', work), 1)
})

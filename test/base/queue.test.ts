import t from 'tap'
import fc from 'fast-check'
import { Channel, mapBounded, Semaphore } from '../../src/base/queue.ts'

t.test('a semaphore never has more holders than its limit and serves all', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.scheduler(), async (limit, s) => {
      const semaphore = new Semaphore(limit)
      let held = 0
      let most = 0
      let done = 0
      const all = Array.from({ length: 12 }, (_, i) =>
        semaphore.run(async () => {
          most = Math.max(most, ++held)
          await s.schedule(Promise.resolve(), `work ${String(i)}`)
          held--
          done++
        }),
      )
      await s.waitIdle()
      while (done < 12) await s.waitIdle()
      await Promise.all(all)
      if (most > limit || held !== 0) throw new Error(`${String(most)} held of ${String(limit)}`)
    }),
    { numRuns: 50 },
  )
  t.pass('limit held')
})

t.test('a waiter that is aborted leaves the queue, its place goes to the next', async (t) => {
  const semaphore = new Semaphore(1)
  const first = Promise.withResolvers<undefined>()
  const holder = semaphore.run(() => first.promise)
  const abort = new AbortController()
  const second = semaphore.run(async () => 'second', abort.signal)
  const third = semaphore.run(async () => 'third')
  abort.abort(new Error('gone'))
  await t.rejects(second, { message: 'gone' })
  first.resolve(undefined)
  await holder
  t.equal(await third, 'third')
})

t.test('a channel is in order, bounded, and passes the end and the error on', async (t) => {
  const channel = new Channel<number>(2)
  let pushed = 0
  const producer = (async () => {
    for (let i = 0; i < 10; i++) {
      await channel.push(i)
      pushed++
    }
    channel.fail(new Error('broken pipe'))
  })()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(pushed, 2, 'the producer waits')
  const seen: number[] = []
  await t.rejects(
    (async () => {
      for await (const item of channel) seen.push(item)
    })(),
    { message: 'broken pipe' },
  )
  await producer
  t.same(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('a reader that leaves early frees the waiting writer', async (t) => {
  const channel = new Channel<number>(1)
  await channel.push(1)
  const blocked = channel.push(2)
  for await (const item of channel) {
    t.equal(item, 1)
    break
  }
  await blocked
  t.equal(await channel.push(3), false, 'dropped after the end')
})

t.test('mapBounded keeps the order and lets running work end before it fails', async (t) => {
  t.same(await mapBounded([3, 1, 2], 2, async (x) => x * 2), [6, 2, 4])
  let ended = 0
  await t.rejects(
    mapBounded([0, 1, 2, 3, 4, 5], 2, async (x) => {
      await new Promise((resolve) => setImmediate(resolve))
      if (x === 1) throw new Error('one')
      ended++
    }),
    { message: 'one' },
  )
  t.ok(ended < 5, 'no new work after the failure')
})

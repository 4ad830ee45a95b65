import t from 'tap'
import { EventHub } from '../../src/daemon/event-hub.ts'
import { systemClock } from '../../src/daemon/system/index.ts'

t.test('a bounded ring with numbers that rise across restarts', async (t) => {
  const hub = new EventHub({ maxEvents: 3 }, { clock: systemClock })
  for (const text of ['a', 'b', 'c', 'd']) hub.emit('system', text)
  t.same(
    hub.list(0).map(({ text }) => text),
    ['b', 'c', 'd'],
  )
  const [first, second] = hub.list(0)
  t.equal((second?.seq ?? 0) - (first?.seq ?? 0), 1)
  t.same(
    hub.list(second?.seq ?? 0).map(({ text }) => text),
    ['d'],
  )
  await systemClock.sleep(2)
  const later = new EventHub({ maxEvents: 3 }, { clock: systemClock })
  later.emit('system', 'e')
  t.ok((later.list(0)[0]?.seq ?? 0) > (hub.list(0).at(-1)?.seq ?? 0))
})

t.test('followers get what is there and what comes, until they leave', async (t) => {
  const hub = new EventHub({ maxEvents: 10 }, { clock: systemClock })
  const control = new AbortController()
  hub.emit('job', 'one', { job: 'j' })
  const seen: string[] = []
  const following = (async () => {
    for await (const event of hub.follow(0, control.signal)) {
      seen.push(event.text)
      if (event.text === 'three') control.abort()
    }
  })()
  await systemClock.sleep(1)
  hub.emit('job', 'two')
  hub.emit('job', 'three')
  await following
  t.same(seen, ['one', 'two', 'three'])
})

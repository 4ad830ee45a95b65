import t from 'tap'
import { DAY, deadline, isoTime } from '../../src/base/clock.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

t.test('a deadline fires at its time, not before, and not after it was cleared', async (t) => {
  const clock = new VirtualClock()
  const due = deadline(clock, 1000)
  const cleared = deadline(clock, 1000)
  await clock.advance(999)
  t.notOk(due.signal.aborted)
  cleared.clear()
  await clock.advance(1)
  t.ok(due.signal.aborted)
  t.equal((due.signal.reason as Error).name, 'TimeoutError')
  t.notOk(cleared.signal.aborted)
  t.equal(clock.sleepers, 0, 'no timer is left behind')
})

t.test('a deadline follows its parent', (t) => {
  const parent = new AbortController()
  const due = deadline(new VirtualClock(), DAY, parent.signal)
  parent.abort(new Error('stop'))
  t.ok(due.signal.aborted)
  due.clear()
  t.equal(isoTime(0), '1970-01-01T00:00:00.000Z')
  t.end()
})

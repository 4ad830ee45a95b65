import t from 'tap'
import { retry } from '../../src/base/retry.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const options = { attempts: 4, firstDelayMs: 100, maxDelayMs: 150 }

t.test('it tries again within its bounds and then gives the last error', async (t) => {
  const clock = new VirtualClock()
  const start = clock.now()
  let calls = 0
  const result = retry(options, { clock, random: seededRandom(1) }, async (attempt) => {
    calls++
    throw new Error(`attempt ${String(attempt)}`)
  })
  const outcome = t.rejects(result, { message: 'attempt 4' })
  await clock.advance(1000)
  await outcome
  t.equal(calls, 4)
  t.ok(clock.now() - start <= 1000)
})

t.test('what cannot be helped is not tried again; an abort ends the wait', async (t) => {
  const clock = new VirtualClock()
  let calls = 0
  const fail = async () => {
    calls++
    throw new Error('no')
  }
  await t.rejects(retry({ ...options, again: () => false }, { clock, random: seededRandom(1) }, fail), {
    message: 'no',
  })
  t.equal(calls, 1)
  const abort = new AbortController()
  const waiting = retry(options, { clock, random: seededRandom(1), signal: abort.signal }, fail)
  const outcome = t.rejects(waiting, { message: 'stop' })
  await new Promise((resolve) => setImmediate(resolve))
  abort.abort(new Error('stop'))
  await outcome
})

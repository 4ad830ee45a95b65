import t from 'tap'
import { startAll, stopAll, type Service } from '../../src/base/lifecycle.ts'

function recorder(log: string[], name: string, broken?: 'start' | 'stop'): Service {
  const step = (what: 'start' | 'stop') => async () => {
    log.push(`${what} ${name}`)
    if (broken === what) throw new Error(`${what} ${name} failed`)
  }
  return { start: step('start'), stop: step('stop') }
}

t.test('services stop in reverse, all of them, even if one fails', async (t) => {
  const log: string[] = []
  const all = [recorder(log, 'a'), recorder(log, 'b', 'stop'), recorder(log, 'c')]
  await startAll(all)
  await t.rejects(stopAll(all), { message: 'stop b failed' })
  t.same(log, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

t.test('a failed start stops what was started, the failed one included', async (t) => {
  const log: string[] = []
  await t.rejects(startAll([recorder(log, 'a'), recorder(log, 'b', 'start'), recorder(log, 'c')]), {
    message: 'start b failed',
  })
  t.same(log, ['start a', 'start b', 'stop b', 'stop a'])
})

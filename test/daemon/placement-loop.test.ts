import t from 'tap'
import type { DrainEvent } from '../../src/backup/index.ts'
import { silentLogger } from '../../src/base/log.ts'
import { PlacementLoop } from '../../src/daemon/placement-loop.ts'
import { systemClock, systemRandom } from '../../src/daemon/system/index.ts'

/** An engine with `queued` things to place; each attempt with hosts places one. */
function world(queued: number, pauses = { firstPauseMs: 60_000, maxPauseMs: 60_000, lookMs: 5 }) {
  const state = { queued, hosts: [] as string[], attempts: 0, fails: false }
  const engine = {
    status: () => ({ queued: state.queued }),
    async *drain(): AsyncGenerator<DrainEvent> {
      state.attempts++
      if (state.fails) throw new Error('no network')
      if (state.hosts.length > 0) state.queued--
      yield { type: 'note', about: 'host', message: 'tried' }
      yield { type: 'summary', placed: 0, queued: state.queued, queuedBytes: 0, headHosts: 0, safe: null }
    },
  }
  const deps = { engine, eligible: () => state.hosts, clock: systemClock, random: systemRandom, log: silentLogger }
  return { state, loop: new PlacementLoop(pauses, deps) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(1)
}

t.test('a host that appears cuts the pause short, and everything is placed', async (t) => {
  const { state, loop } = world(1)
  await loop.start()
  await until(() => loop.last?.queued === 1)
  state.hosts = ['bob']
  await until(() => state.queued === 0)
  await systemClock.sleep(20)
  t.equal(state.attempts, 2, 'nothing is tried once nothing waits')
  await loop.stop()
})

t.test('a kick wakes it from rest; failures are not the end', async (t) => {
  const { state, loop } = world(0)
  await loop.start()
  state.queued = 1
  state.fails = true
  loop.kick()
  await until(() => state.attempts === 1)
  state.fails = false
  state.hosts = ['bob']
  const notes: string[] = []
  const stop = loop.listen(({ message }) => notes.push(message))
  const attempt = loop.attempt(60_000, AbortSignal.timeout(5_000))
  loop.kick()
  await attempt
  stop()
  t.equal(state.queued, 0)
  t.same(notes, ['tried'])
  await loop.stop()
})

t.test('pauses grow while nothing helps', async (t) => {
  const { state, loop } = world(1, { firstPauseMs: 2, maxPauseMs: 10_000, lookMs: 1 })
  await loop.start()
  await systemClock.sleep(150)
  t.ok(state.attempts >= 3 && state.attempts <= 12, `${state.attempts} attempts`)
  await loop.stop()
  const { attempts } = state
  await systemClock.sleep(10)
  t.equal(state.attempts, attempts, 'stopped is stopped')
})

t.test('waiting for an attempt is bounded', async (t) => {
  const { loop } = world(0)
  await loop.start()
  await loop.attempt(5, new AbortController().signal)
  await loop.stop()
  t.pass('came back')
})

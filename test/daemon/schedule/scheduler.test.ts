/** Schedules over days of virtual time, with restarts, sleep and clocks that jump. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Job } from '../../../src/api/index.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { jobMigrations, openJobsDatabase } from '../../../src/daemon/jobs/database.ts'
import type { JobRow } from '../../../src/daemon/jobs/store.ts'
import { ScheduleStore, KEPT_RUNS, type RunRow } from '../../../src/daemon/schedule/schedule-store.ts'
import { Scheduler } from '../../../src/daemon/schedule/scheduler.ts'
import { ScheduleDesk } from '../../../src/daemon/services/schedules.ts'
import { SourceStore } from '../../../src/daemon/schedule/source-store.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const START = Date.UTC(2026, 0, 1, 12)
const migrations = await jobMigrations(systemDisk)

/** The wall clock can be set; elapsed time goes on as it does. */
class WallClock extends VirtualClock {
  shift = 0
  override now(): number {
    return super.now() + this.shift
  }
}

class World {
  readonly clock = new WallClock(START)
  readonly jobs = new Map<string, JobRow>()
  readonly ended: RunRow[] = []
  readonly forgotten: string[] = []
  readonly #listeners = new Set<(row: JobRow) => void>()
  readonly #path: string
  /** What a backup does: `done` at once, or whatever the test says later. */
  ends: JobRow['state'] = 'done'
  refuses: PlexiError | undefined
  store!: ScheduleStore
  sources!: SourceStore
  scheduler!: Scheduler
  desk!: ScheduleDesk
  #close: () => void = () => undefined

  constructor(path: string) {
    this.#path = path
  }

  async start(): Promise<void> {
    const database = await openJobsDatabase(systemDisk, this.#path, migrations)
    // What a crash would do is not what is tested here.
    database.pragma('synchronous = OFF')
    this.#close = () => database.close()
    const { clock } = this
    const random = { bytes: (length: number) => Buffer.alloc(length, this.jobs.size + 1), below: (n: number) => n >> 1 }
    this.store = new ScheduleStore(database)
    this.sources = new SourceStore(database, (stored) => stored as never)
    this.scheduler = new Scheduler({
      ...{ clock, random, schedules: this.store, log: silentLogger },
      jobs: {
        find: (id) => this.jobs.get(id),
        listen: (listener) => {
          this.#listeners.add(listener)
          return () => this.#listeners.delete(listener)
        },
      },
      backup: (source) => this.#backup(source),
      running: (source) =>
        [...this.jobs.values()].find(
          ({ state, request }) => state === 'running' && (request as { source: string }).source === source,
        ),
      forget: (source, prune) => {
        this.forgotten.push(`${source} ${String(prune)}`)
        return { id: 'tidy' } as Job
      },
      ended: (_, run) => this.ended.push(run),
    })
    const { store: schedules, sources, scheduler } = this
    this.desk = new ScheduleDesk({ schedules, sources, scheduler, clock, random })
    if (sources.find('home') === undefined) sources.put({ name: 'home', definition: {} as never, created: START })
    await scheduler.start()
  }

  async stop(): Promise<void> {
    await this.scheduler.stop()
    this.#close()
  }

  change(id: string, change: Partial<JobRow>): void {
    const row = { ...this.jobs.get(id), ...change } as JobRow
    this.jobs.set(id, row)
    for (const listener of this.#listeners) listener(row)
  }

  #backup(source: string): Job {
    if (this.refuses !== undefined) throw this.refuses
    const id = `job-${String(this.jobs.size)}`
    const summary = { snapshot: `snap-${id}`, skipped: [] }
    this.change(id, { id, kind: 'backup', state: this.ends, request: { source }, summary, ended: null, error: null })
    return { id } as Job
  }
}

async function world(t: Test): Promise<World> {
  const made = new World(join(t.testdir(), 'jobs.db'))
  await made.start()
  return made
}

const nightly = {
  source: 'home',
  cron: '0 2 * * *',
  zone: 'UTC',
  jitterMs: 0,
  afterwards: 'nothing',
  paused: false,
} as const
const runsOf = (w: World, id: string) => w.store.runs(w.store.get(id).number, 1_000)

t.test('runs at its time, once each, for days; shows what comes next', async (t) => {
  const w = await world(t)
  const { id, nextRun } = await w.desk.add(nightly)
  t.equal(nextRun, '2026-01-02T02:00:00.000Z')
  await w.clock.advance(3 * DAY)
  const runs = runsOf(w, id)
  t.same(
    runs.map(({ state, slot }) => `${state} ${new Date(slot ?? 0).toISOString()}`).toReversed(),
    [2, 3, 4].map((day) => `ok 2026-01-0${String(day)}T02:00:00.000Z`),
  )
  t.ok(runs.every(({ begun, slot }) => begun - (slot ?? 0) <= 2 * SECOND))
  t.match(await w.desk.get(id), {
    nextRun: '2026-01-05T02:00:00.000Z',
    lastRun: { state: 'ok', snapshot: 'snap-job-2' },
  })
  t.equal(w.ended.length, 3)
  await w.stop()
})

t.test('downtime and sleep: what was missed is made up for once', async (t) => {
  const w = await world(t)
  const { id } = await w.desk.add({ ...nightly, cron: '*/10 * * * *' })
  await w.clock.advance(HOUR)
  t.equal(runsOf(w, id).length, 6)
  await w.stop()
  w.clock.shift += 3 * DAY
  await w.start()
  await w.clock.advance(SECOND)
  t.equal(runsOf(w, id).length, 7, 'one for 432 missed ones')
  await w.clock.advance(10 * MINUTE)
  t.equal(runsOf(w, id).length, 8, 'then as planned')
  // A machine that sleeps: the wall goes on, timers do not.
  w.clock.shift += 9 * HOUR + 5 * MINUTE
  await w.clock.advance(MINUTE)
  t.equal(runsOf(w, id).length, 9, 'seen soon after it woke')
  await w.stop()
})

t.test('clocks that jump: a day forward and back, ten years, a little back', async (t) => {
  const w = await world(t)
  const { id } = await w.desk.add(nightly)
  w.clock.shift = 3_650 * DAY
  await w.clock.advance(MINUTE)
  t.equal(runsOf(w, id).length, 1, 'ten years forward: one run')
  w.clock.shift = 0
  await w.clock.advance(MINUTE)
  t.equal((await w.desk.get(id)).nextRun, '2026-01-02T02:00:00.000Z', 'put right: planned anew, not in ten years')
  await w.clock.advance(DAY)
  t.equal(runsOf(w, id).length, 2)
  // Just after a run the clock is put back by seconds: the time comes again, the run does not.
  await w.clock.advance(w.store.get(id).slot - w.clock.now() + 2 * SECOND)
  t.equal(runsOf(w, id).length, 3)
  w.clock.shift = -5 * SECOND
  await w.clock.advance(HOUR)
  t.equal(runsOf(w, id).length, 3)
  w.clock.shift -= DAY
  await w.clock.advance(DAY)
  t.equal(runsOf(w, id).length, 4, 'a day back: the same night counts again')
  await w.stop()
})

t.test('summer time over virtual days', async (t) => {
  const w = await world(t)
  w.clock.shift = Date.UTC(2026, 2, 28, 12) - START
  const { id } = await w.desk.add({ ...nightly, cron: '30 2 * * *', zone: 'Europe/Berlin' })
  await w.clock.advance(2 * DAY)
  const begun = runsOf(w, id).map((run) => new Date(run.slot ?? 0).toISOString())
  t.same(begun.toReversed(), ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'])
  await w.stop()
})

t.test('never two of one source: a run that lasts makes the next one step aside', async (t) => {
  const w = await world(t)
  w.ends = 'running'
  const { id } = await w.desk.add({ ...nightly, cron: '0 * * * *' })
  await w.clock.advance(3 * HOUR + MINUTE)
  t.same(
    runsOf(w, id).map(({ state }) => state),
    ['skipped', 'skipped', 'running'],
  )
  t.equal(w.jobs.size, 1)
  t.match(runsOf(w, id)[0]?.text, /still ran: job job-0/)
  // Saved here and waiting for hosts, perhaps for days: that hinders nobody.
  w.change('job-0', { state: 'waiting' })
  await w.clock.advance(SECOND)
  t.equal(runsOf(w, id)[2]?.state, 'ok')
  await w.clock.advance(HOUR)
  t.equal(w.jobs.size, 2)
  await w.stop()
})

t.test('what became of it is kept: partial, failed, cancelled, refused, forgotten', async (t) => {
  const w = await world(t)
  w.ends = 'running'
  const { id } = await w.desk.add({ ...nightly, cron: '0 * * * *' })
  const after = async (change: Partial<JobRow>): Promise<RunRow | undefined> => {
    await w.clock.advance(HOUR)
    w.change(`job-${String(w.jobs.size - 1)}`, change)
    await w.clock.advance(SECOND)
    return runsOf(w, id)[0]
  }
  const skipped = [{ path: '/x', code: 'STORAGE_SOURCE_UNREADABLE', reason: 'no' }]
  t.match(await after({ state: 'done', summary: { snapshot: 's', skipped } }), {
    ...{ state: 'partial', snapshot: 's', code: 'STORAGE_PARTIAL', text: /^1 item/ },
  })
  const error = { code: 'STORAGE_DISK_FULL', message: 'the disk is full', remedy: '', exitCode: 1 }
  t.match(await after({ state: 'failed', error }), { state: 'failed', code: 'STORAGE_DISK_FULL', text: /full/ })
  t.match(await after({ state: 'cancelled' }), { state: 'cancelled' })
  w.refuses = new PlexiError('SYSTEM_BUSY', { what: 'jobs' })
  await w.clock.advance(HOUR)
  t.match(runsOf(w, id)[0], { state: 'failed', code: 'SYSTEM_BUSY' })
  w.refuses = undefined
  await w.clock.advance(HOUR)
  await w.stop()
  w.jobs.clear()
  await w.start()
  await w.clock.advance(SECOND)
  t.match(runsOf(w, id)[0], { state: 'failed', code: 'SYSTEM_JOB_NOT_FOUND' })
  await w.stop()
})

t.test('cut off between writing the run down and making its job: it becomes due again', async (t) => {
  const w = await world(t)
  const { id } = await w.desk.add(nightly)
  const { number, slot } = w.store.get(id)
  await w.scheduler.stop()
  w.store.begin({ schedule: number, slot, begun: slot }, { planned: slot, slot: slot + DAY, due: slot + DAY })
  await w.stop()
  w.clock.shift += slot - START + HOUR
  await w.start()
  await w.clock.advance(MINUTE)
  t.match(runsOf(w, id), [{ state: 'ok', slot, job: 'job-0' }])
  t.equal(runsOf(w, id).length, 1)
  await w.stop()
})

t.test('pause, resume, run now, remove', async (t) => {
  const w = await world(t)
  const { id } = await w.desk.add({ ...nightly, cron: '0 * * * *', jitterMs: 10 * MINUTE })
  t.equal((await w.desk.get(id)).nextRun, '2026-01-01T13:05:00.000Z', 'with jitter')
  t.equal((await w.desk.pause(id, true)).nextRun, null)
  await w.clock.advance(5 * HOUR)
  t.equal(runsOf(w, id).length, 0)
  t.match(await w.desk.pause(id.slice(0, 4), false), { nextRun: '2026-01-01T18:05:00.000Z' })
  await w.clock.advance(SECOND)
  t.equal(runsOf(w, id).length, 0, 'what was missed on purpose is not made up for')
  await w.desk.run(id)
  await w.clock.advance(SECOND)
  t.match(runsOf(w, id), [{ slot: null, state: 'ok' }])
  w.refuses = new PlexiError('SYSTEM_BUSY', { what: 'backups' })
  await t.rejects(w.desk.run(id), { code: 'SYSTEM_BUSY' })
  t.equal(runsOf(w, id).length, 1, 'what did not begin is no run')
  await w.desk.remove(id)
  await t.rejects(w.desk.get(id), { code: 'STORAGE_NOT_FOUND' })
  await w.stop()
})

t.test('history is bounded, a broken schedule hinders no other', async (t) => {
  const w = await world(t)
  const { id } = await w.desk.add({ ...nightly, cron: '* * * * *' })
  const row = w.store.get(id)
  w.store.add({ ...row, id: 'broken', cron: 'nonsense', due: START })
  await w.clock.advance(3 * HOUR)
  t.equal(runsOf(w, id).length, KEPT_RUNS)
  t.ok(w.jobs.size > 170)
  await w.stop()
})

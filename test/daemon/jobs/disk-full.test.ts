/** The database of jobs on a disk that is full: a real SQLite that runs out of pages. */
import { join } from 'node:path'
import t from 'tap'
import type { JobEvent } from '../../../src/api/index.ts'
import { MINUTE, SECOND } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { EventHub } from '../../../src/daemon/event-hub.ts'
import { jobMigrations, openJobsDatabase } from '../../../src/daemon/jobs/database.ts'
import type { JobHandler } from '../../../src/daemon/jobs/handler.ts'
import { jobDefaults } from '../../../src/daemon/jobs/options.ts'
import { JobRunner } from '../../../src/daemon/jobs/runner.ts'
import { JobStore } from '../../../src/daemon/jobs/store.ts'
import { systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const migrations = await jobMigrations(systemDisk)

t.test('a job whose end cannot be written down ends all the same, is written later, crashes nothing', async (t) => {
  const path = join(t.testdir(), 'jobs.db')
  const database = await openJobsDatabase(systemDisk, path, migrations)
  const clock = new VirtualClock()
  const go = Promise.withResolvers<undefined>()
  const handler: JobHandler = {
    async run({ emit }) {
      await go.promise
      for (let i = 0; i < 50; i++) emit({ type: 'note', level: 'info', text: `${String(i)} ${'x'.repeat(3_000)}` })
      return { summary: { files: 7 }, pending: false }
    },
  }
  const events = new EventHub({ maxEvents: 100 }, { clock })
  const store = new JobStore(database)
  const ports = { clock, events, random: systemRandom, log: silentLogger }
  const runner = new JobRunner(jobDefaults, { store, handlers: { verify: handler }, ...ports })
  await runner.start()
  const rejections: unknown[] = []
  const onRejection = (error: unknown): void => void rejections.push(error)
  process.on('unhandledRejection', onRejection)
  t.teardown(() => process.off('unhandledRejection', onRejection))

  const job = runner.submit('verify', { title: 'verify', request: {} })
  while ((await runner.get(job.id)).state !== 'running') await new Promise((done) => setImmediate(done))
  const setPages = (pages: number): void => {
    database.pragma(`max_page_count = ${String(pages)}`)
  }
  // A bound below what is there means: what is there.
  setPages(1)
  go.resolve(undefined)
  let last: JobEvent | undefined
  for await (const { event } of runner.follow(job.id, 0, AbortSignal.timeout(10_000))) last = event
  t.match(last, { type: 'summary', files: 7 }, 'who watches learns it')
  t.match(await runner.get(job.id), { state: 'done', summary: { files: 7 } })
  t.match([...runner.list({})], [{ id: job.id, state: 'done' }])
  t.match(runner.unrecorded, { jobs: 1, error: { code: 'STORAGE_DISK_FULL' } })
  t.equal(store.get(job.id).state, 'running', 'not written')
  t.throws(() => runner.submit('verify', { title: 'v'.repeat(5_000), request: {} }), /full/, 'nothing is taken on')
  await runner.cancel(job.id)
  t.equal((await runner.get(job.id)).state, 'done', 'it has ended')

  await clock.advance(10 * MINUTE)
  t.match(runner.unrecorded, { jobs: 1 }, 'tried in vain')
  setPages(1_000_000)
  await clock.advance(20 * SECOND)
  t.equal(runner.unrecorded, undefined)
  t.match(store.get(job.id), { state: 'done', summary: { files: 7 } })
  t.equal(store.events(store.get(job.id).number).length, 51, 'with all it had to tell')
  t.equal(runner.unfinished, 0)
  t.equal(clock.sleepers, 0, 'nobody tries any more')
  t.same(rejections, [])
  await runner.stop()
  database.close()
})

import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Job, JobKind, JobState } from '../../../src/api/index.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { EventHub } from '../../../src/daemon/event-hub.ts'
import { jobMigrations, openJobsDatabase } from '../../../src/daemon/jobs/database.ts'
import type { JobHandler } from '../../../src/daemon/jobs/handler.ts'
import { jobDefaults, type JobOptions } from '../../../src/daemon/jobs/options.ts'
import { JobRunner } from '../../../src/daemon/jobs/runner.ts'
import { JobStore } from '../../../src/daemon/jobs/store.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'

const migrations = await jobMigrations(systemDisk)

/** A daemon's jobs over one database file; `start` may be called again after `stop`, as a restart. */
async function jobsOf(t: Test, handlers: Partial<Record<JobKind, JobHandler>>, options: Partial<JobOptions> = {}) {
  const path = join(t.testdir(), 'jobs.db')
  const start = async (): Promise<{ runner: JobRunner; stop: () => Promise<void> }> => {
    const store = new JobStore(await openJobsDatabase(systemDisk, path, migrations))
    const events = new EventHub({ maxEvents: 100 }, { clock: systemClock })
    const runner = new JobRunner(
      { ...jobDefaults, ...options },
      { store, handlers, events, clock: systemClock, random: systemRandom, log: silentLogger },
    )
    await runner.start()
    const stop = async (): Promise<void> => {
      await runner.stop()
      store.close()
    }
    return { runner, stop }
  }
  return { start }
}

async function lastEvent(runner: JobRunner, job: Job): Promise<{ type: string; [field: string]: unknown }> {
  let last: { type: string } = { type: 'nothing' }
  for await (const { event } of runner.follow(job.id, 0, AbortSignal.timeout(5_000))) last = event
  return last
}

async function untilState(runner: JobRunner, job: Job, state: JobState): Promise<void> {
  while ((await runner.get(job.id)).state !== state) await systemClock.sleep(1)
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

const progress = { type: 'progress', phase: 'reading', files: 1, filesTotal: null, bytes: 5, bytesTotal: null } as const

t.test('a job runs, reports and ends with its summary', async (t) => {
  const handler: JobHandler = {
    async run({ emit, request }) {
      emit(progress)
      emit({ type: 'note', level: 'info', text: 'hello' })
      return { summary: { asked: request }, pending: false }
    },
  }
  const { runner, stop } = await (await jobsOf(t, { verify: handler })).start()
  const job = runner.submit('verify', { title: 'verify all', request: { a: 1 } })
  t.match(await lastEvent(runner, job), { type: 'summary', asked: { a: 1 } })
  const ended = await runner.get(job.id.slice(0, 5))
  t.match(ended, { state: 'done', summary: { asked: { a: 1 } }, error: null, wantsInput: false })
  t.match([...runner.list({ kind: 'verify' })], [{ id: job.id }])
  t.same([...runner.list({ kind: 'restore' })], [])
  await stop()
})

t.test('a failure is stored with its code, remedy and exit code', async (t) => {
  const handler: JobHandler = { run: () => Promise.reject(new PlexiError('STORAGE_NO_HEAD')) }
  const jobs = await jobsOf(t, { restore: handler })
  const first = await jobs.start()
  const job = first.runner.submit('restore', { title: 'restore', request: {} })
  t.match(await lastEvent(first.runner, job), { type: 'error', code: 'STORAGE_NO_HEAD', exitCode: 18 })
  await first.stop()
  const second = await jobs.start()
  t.match(await second.runner.get(job.id), { state: 'failed', error: { code: 'STORAGE_NO_HEAD' } })
  t.match(await lastEvent(second.runner, job), { type: 'error' }, 'followers of an old job still get its end')
  await second.stop()
})

t.test('what was queued, running or waiting goes on after a restart', async (t) => {
  const runs: string[] = []
  let hold = true
  const handler: JobHandler = {
    async run({ id, signal, emit }) {
      runs.push(`run ${id}`)
      if (hold) return await untilAborted(signal)
      emit({ ...saved, files: 7 })
      return { summary: { ...saved, files: 7 }, pending: true }
    },
    async settle({ id, signal }, reached) {
      runs.push(`settle ${id}`)
      if (hold) return await untilAborted(signal)
      return { ...reached, settled: true }
    },
  }
  const jobs = await jobsOf(t, { backup: handler })
  const first = await jobs.start()
  const one = first.runner.submit('backup', { title: 'one', request: {} })
  const two = first.runner.submit('backup', { title: 'two', request: {} })
  await untilState(first.runner, one, 'running')
  t.equal((await first.runner.get(two.id)).state, 'queued', 'one of a kind at a time')
  await first.stop()
  t.same(runs, [`run ${one.id}`])

  hold = false
  const second = await jobs.start()
  t.match(await lastEvent(second.runner, one), { type: 'summary', files: 7, settled: true })
  t.match(await lastEvent(second.runner, two), { type: 'summary', settled: true })
  t.equal(runs.filter((run) => run === `run ${one.id}`).length, 2)
  await second.stop()
})

t.test('a job that waits is not run again, only waited for, and keeps the newest it reached', async (t) => {
  let hold = true
  let runs = 0
  const handler: JobHandler = {
    async run({ emit }) {
      runs++
      emit(saved)
      return { summary: saved, pending: true }
    },
    async settle({ signal, emit }, reached) {
      if (hold) {
        emit({ ...saved, placed: 3 })
        return await untilAborted(signal)
      }
      return reached
    },
  }
  const jobs = await jobsOf(t, { backup: handler })
  const first = await jobs.start()
  const job = first.runner.submit('backup', { title: 'one', request: {} })
  for await (const { event } of first.runner.follow(job.id, 0, AbortSignal.timeout(5_000))) {
    if (event.type === 'saved' && event.placed === 3) break
  }
  t.equal((await first.runner.get(job.id)).state, 'waiting')
  await first.stop()
  hold = false
  const second = await jobs.start()
  t.match(await lastEvent(second.runner, job), { type: 'summary', placed: 3 })
  t.equal(runs, 1)
  await second.stop()
})

t.test('cancel ends a job that runs and one that is queued', async (t) => {
  const handler: JobHandler = { run: ({ signal }) => untilAborted(signal) }
  const { runner, stop } = await (await jobsOf(t, { backup: handler })).start()
  const one = runner.submit('backup', { title: 'one', request: {} })
  const two = runner.submit('backup', { title: 'two', request: {} })
  t.equal((await runner.cancel(two.id)).state, 'cancelled')
  t.equal((await runner.cancel(one.id)).state, 'cancelled')
  t.match(await lastEvent(runner, one), { type: 'error', code: 'SYSTEM_INTERRUPTED', exitCode: 130 })
  t.equal((await runner.cancel(one.id)).state, 'cancelled', 'again changes nothing')
  await t.rejects(runner.cancel('nope'), { code: 'SYSTEM_JOB_NOT_FOUND' })
  await stop()
})

t.test('input is streamed once; a broken stream fails the job; a restart cannot bring it back', async (t) => {
  const handler: JobHandler = {
    async run({ input }) {
      let bytes = 0
      for await (const piece of input) bytes += piece.length
      return { summary: { bytes }, pending: false }
    },
  }
  const jobs = await jobsOf(t, { backup: handler })
  const { runner, stop } = await jobs.start()
  const signal = AbortSignal.timeout(5_000)
  const submit = (): Job => runner.submit('backup', { title: 'stdin', request: {}, streams: true })

  const good = submit()
  t.equal(good.wantsInput, true)
  t.same(await runner.input(good.id, pieces(40, 1_000), signal), { bytes: 40_000 })
  t.match(await lastEvent(runner, good), { type: 'summary', bytes: 40_000 })
  await t.rejects(runner.input(good.id, pieces(1, 1), signal), { code: 'VALIDATION_USAGE' })

  const bad = submit()
  await t.rejects(runner.input(bad.id, broken(), signal), /cable/)
  t.match(await lastEvent(runner, bad), { type: 'error' })

  const lost = submit()
  await stop()
  const again = await jobs.start()
  t.match(await lastEvent(again.runner, lost), { type: 'error', code: 'SYSTEM_INTERRUPTED' })
  await again.stop()
})

t.test('queue, notes and history are bounded', async (t) => {
  const chatty: JobHandler = {
    async run({ emit }) {
      for (let i = 0; i < 50; i++) emit({ type: 'note', level: 'info', text: String(i) })
      for (let i = 0; i < 50; i++) emit(progress)
      return { summary: {}, pending: false }
    },
  }
  const stuck: JobHandler = { run: ({ signal }) => untilAborted(signal) }
  const bounds = { maxNotes: 10, maxEnded: 3, maxQueued: 2 }
  const { runner, stop } = await (await jobsOf(t, { verify: chatty, backup: stuck }, bounds)).start()
  for (let i = 0; i < 5; i++) await lastEvent(runner, runner.submit('verify', { title: 'v', request: {} }))
  t.equal([...runner.list({})].length, 3)
  const job = [...runner.list({})][0]
  let events = 0
  for await (const _ of runner.follow(job?.id ?? '', 0, AbortSignal.timeout(5_000))) events++
  t.equal(events, 11, 'ten notes and the summary')
  await untilState(runner, runner.submit('backup', { title: 'b', request: {} }), 'running')
  for (let i = 0; i < 2; i++) runner.submit('backup', { title: 'b', request: {} })
  t.throws(() => runner.submit('backup', { title: 'b', request: {} }), { code: 'SYSTEM_BUSY' })
  await stop()
})

const saved = {
  type: 'saved',
  ...{ snapshot: 's', files: 0, dirs: 0, bytes: 0, newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0, k: 0, n: 0 },
  ...{ placed: 0, queued: 0, safe: null, belowTarget: true, skipped: [], seconds: 0 },
} as const

async function* pieces(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(bytes)
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(10)
  throw new Error('cable pulled')
}

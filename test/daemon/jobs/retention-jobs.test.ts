/** Jobs that forget and free: what schedules start, and a prune that waits for other devices. */
import t from 'tap'
import type { ForgetRequest, ForgetResult, PruneEvent, PruneSummary, SnapshotInfo } from '../../../src/backup/index.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import { ForgetJob } from '../../../src/daemon/jobs/forget-job.ts'
import type { JobContext, WorkEvent } from '../../../src/daemon/jobs/handler.ts'
import { PruneJob } from '../../../src/daemon/jobs/prune-job.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const events: WorkEvent[] = []
function context(request: object): JobContext {
  const input = (async function* () {})()
  const signal = new AbortController().signal
  return { id: 'j', request, begunBefore: null, signal, emit: (event) => events.push(event), input }
}

t.test('a schedule forgets by what holds for its source, its own device’s snapshots only', async (t) => {
  const asked: ForgetRequest[] = []
  let pruned = 0
  const removed = [{ id: 'old' }] as SnapshotInfo[]
  const engine = {
    forget: (request: ForgetRequest): ForgetResult => {
      asked.push(request)
      return { kept: [{ snapshot: { id: 'new' } as SnapshotInfo, reasons: [], group: '' }], removed }
    },
  }
  const prune = async () => {
    pruned++
    return { id: 'job-2' } as never
  }
  const keepOf = (source: string) => (source === 'docs' ? { keepDaily: 7, keepLast: undefined } : undefined)
  const job = new ForgetJob({ engine, device: 'me', keepOf, prune })
  t.same(await job.run(context({ source: 'docs', prune: true })), {
    summary: { kept: 1, removed: ['old'], prune: 'job-2' },
    pending: false,
  })
  t.match(asked, [{ policy: { keepDaily: 7 }, filter: { name: 'docs', device: 'me' } }])
  t.notOk('keepLast' in (asked[0]?.policy ?? {}))
  t.match(await job.run(context({ source: 'docs', prune: false })), { summary: { prune: null } })
  removed.length = 0
  t.match(await job.run(context({ source: 'docs', prune: true })), { summary: { prune: null } })
  t.equal(pruned, 1, 'only where something was forgotten')
  t.match(await job.run(context({ source: 'photos', prune: true })), { summary: { kept: null, removed: [] } })
  t.equal(asked.length, 3, 'without a policy everything is kept')
})

const done: PruneSummary = {
  type: 'summary',
  ...{ dryRun: false, freedBytes: 5, dropped: 1, repacked: 0, droppedBodies: 0, checkedChunks: 1, liveChunks: 1 },
  ...{ missingChunks: 0, waitingFor: [], waitingSnapshots: 0, waitingStripes: 0, seconds: 1 },
}

t.test('a prune that waits looks again every hour, past hosts that are away', async (t) => {
  const waiting = { ...done, waitingFor: [{ device: 'other', until: 1000 }], waitingSnapshots: 1 }
  const ends: (PruneSummary | PlexiError)[] = [waiting, new PlexiError('STORAGE_TOO_FEW_HOSTS'), waiting, done]
  let runs = 0
  const engine = {
    async *prune(): AsyncGenerator<PruneEvent> {
      const end = ends[runs++]
      if (end === undefined || end instanceof Error) throw end ?? new Error('once too often')
      yield end
    },
  }
  const clock = new VirtualClock()
  const job = new PruneJob({ engine, nameOf: () => null, clock })
  const first = await job.run(context({}))
  t.match(first, { pending: true, summary: { waitingFor: [{ until: '1970-01-01T00:00:01.000Z' }] } })
  t.match(events.at(-1), { type: 'saved', freedBytes: 5 })
  const settled = job.settle(context({}), first.summary)
  for (let hour = 0; hour < 4; hour++) await clock.advance(3_600_000)
  t.match(await settled, { freedBytes: 15, waitingFor: [] })
  t.equal(runs, 4)
  t.ok(events.some((event) => event.type === 'note' && event.code === 'STORAGE_TOO_FEW_HOSTS'))
  t.match(
    await new PruneJob({
      engine: {
        async *prune() {
          yield { ...waiting, dryRun: true }
        },
      },
      nameOf: () => null,
      clock,
    }).run(context({})),
    { pending: false },
  )
})

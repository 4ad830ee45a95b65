import t from 'tap'
import type { BackupEvent, BackupSummary, SnapshotInfo } from '../../../src/backup/index.ts'
import { PlexiError } from '../../../src/base/errors.ts'
import { OutboxWatch } from '../../../src/daemon/alarms/outbox-watch.ts'
import { BackupJob } from '../../../src/daemon/jobs/backup-job.ts'
import type { JobContext, WorkEvent } from '../../../src/daemon/jobs/handler.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const made: BackupSummary = {
  type: 'summary',
  ...{ snapshot: 's1', files: 2, dirs: 1, bytes: 10, newBytes: 10, storedBytes: 5, newShards: 1, stripes: 1 },
  ...{ k: null, n: null, placed: 0, queued: 1, safe: 0, belowTarget: true, seconds: 0.1, xattrs: 'kept' },
  skipped: [{ path: '/a/x', reason: 'unreadable' }],
  exports: [{ path: '/a/result.json', app: 'telegram', messages: 3, warnings: [] }],
}

function world(
  given: {
    summary?: Partial<BackupSummary>
    snapshots?: Partial<SnapshotInfo>[]
    revoked?: boolean
    stuckMs?: number
  } = {},
) {
  const state = { backups: 0, kicks: 0, placed: false, queued: 1, stuck: 0 }
  const clock = new VirtualClock()
  const full = given.stuckMs !== undefined
  const events: WorkEvent[] = []
  const engine = {
    async *backup(): AsyncGenerator<BackupEvent> {
      state.backups++
      if (given.stuckMs !== undefined) await clock.sleep(given.stuckMs)
      yield { type: 'note', about: 'host', message: 'full', peer: 'p' as never, why: 'full' }
      yield { ...made, ...given.summary }
    },
    status: () => ({ queued: state.queued, queuedBytes: 0, safe: 0.5, target: 0.9, restorableInput: [] }) as never,
    snapshots: () => (given.snapshots ?? [{ id: 's1', placed: state.placed, time: 0 }]) as SnapshotInfo[],
  }
  const placement = {
    last: undefined,
    kick: () => {
      state.kicks++
    },
    listen: () => () => undefined,
    attempt: async () => {
      state.placed = true
      state.queued = 0
    },
  }
  const checkWelcome = (): void => {
    if (given.revoked === true) throw new PlexiError('AUTH_REVOKED')
  }
  const job = new BackupJob({
    ...{ engine, placement, nameOf: () => 'Bob', checkWelcome, clock, eligible: () => [] },
    outbox: new OutboxWatch({ clock, outbox: () => ({ full, usedBytes: 2 ** 23, released: 0 }) }),
    stuck: () => state.stuck++,
    output: () => (async function* () {})(),
  })
  const context = (request: object, begunBefore: number | null = null): JobContext => ({
    id: 'j',
    request: { paths: ['/a'], tags: [], exclude: [], local: false, dryRun: false, forceRead: false, ...request },
    begunBefore,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
    input: (async function* () {})(),
  })
  return { state, events, job, context, clock }
}

t.test('runs, tells what was reached, waits until hosts have all of it', async (t) => {
  const { job, context, events, state } = world()
  const outcome = await job.run(context({}))
  t.match(outcome, { pending: true, summary: { snapshot: 's1', k: 0, n: 0, queued: 1, hosts: 0 } })
  t.match(outcome.summary['skipped'], [{ path: '/a/x', code: 'STORAGE_SOURCE_UNREADABLE' }])
  t.match(outcome.summary['exports'], made.exports)
  t.match(events, [
    { type: 'note', level: 'warning', code: 'STORAGE_QUOTA_EXCEEDED', peer: 'p', text: 'Bob: full' },
    { type: 'saved', snapshot: 's1' },
  ])
  t.match(await job.settle(context({}), outcome.summary), { snapshot: 's1', queued: 0, safe: 0.5 })
  t.ok(state.kicks >= 2)
})

t.test('local ones, estimates and those placed at once do not wait', async (t) => {
  t.match(await world().job.run(world().context({ local: true })), { pending: false })
  const night = world()
  t.match(
    await night.job.run(night.context({ unattended: true })),
    { pending: false },
    'nobody waits for a scheduled one',
  )
  t.equal(night.state.kicks, 1, 'it is placed all the same')
  const dry = world({ summary: { snapshot: null } })
  t.match(await dry.job.run(dry.context({ dryRun: true })), { pending: false, summary: { snapshot: null } })
  t.notOk(dry.events.some(({ type }) => type === 'saved'))
  const placed = world({ summary: { queued: 0 } })
  t.match(await placed.job.run(placed.context({})), { pending: false })
})

t.test('a full outbox that nobody empties is told at once, though the backup goes on waiting', async (t) => {
  const { job, context, events, clock, state } = world({ stuckMs: 600_000 })
  const running = job.run(context({ local: true }))
  await clock.advance(4_000)
  t.match(events, [
    { type: 'note', level: 'warning', code: 'STORAGE_OUTBOX_FULL', text: /8MiB wait.*plexichat invite/ },
  ])
  t.equal(state.stuck, 1)
  await clock.advance(600_000)
  t.match(await running, { pending: false })
  t.equal(events.filter(({ type }) => type === 'note').length, 2, 'once, and what the host had to say')
  t.equal(clock.sleepers, 0, 'nobody looks any more')
})

t.test('a revoked device is told instead of waiting for ever', async (t) => {
  const { job, context } = world({ revoked: true })
  await t.rejects(job.run(context({})), { code: 'AUTH_REVOKED' })
  await t.rejects(job.settle(context({}), { snapshot: 's1' }), { code: 'AUTH_REVOKED' })
})

t.test('what a cut-off run had made is not made twice', async (t) => {
  const snapshot = {
    id: 's9',
    time: 100,
    name: '',
    paths: ['/a'],
    tags: ['x'],
    partial: false,
    files: 3,
    dirs: 1,
    bytes: 7,
  }
  const run = async (change: Partial<SnapshotInfo>, begun: number | null) => {
    const { job, context, state } = world({ snapshots: [{ ...snapshot, ...change }] })
    const { summary } = await job.run(context({ tags: ['x'] }, begun))
    return { backups: state.backups, snapshot: summary['snapshot'] }
  }
  t.same(await run({}, 90), { backups: 0, snapshot: 's9' })
  t.same(await run({}, null), { backups: 1, snapshot: 's1' }, 'a first run makes its own')
  t.same(await run({ time: 80 }, 90), { backups: 1, snapshot: 's1' }, 'older')
  t.same(await run({ tags: [] }, 90), { backups: 1, snapshot: 's1' }, 'of another request')
  t.same(await run({ partial: true }, 90), { backups: 1, snapshot: 's1' }, 'incomplete')
})

import t from 'tap'
import type { SnapshotInfo } from '../../../src/backup/index.ts'
import { DAY, SECOND } from '../../../src/base/clock.ts'
import { backupConditions, type Watched } from '../../../src/daemon/alarms/backup-conditions.ts'
import { OutboxWatch } from '../../../src/daemon/alarms/outbox-watch.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const now = Date.UTC(2026, 5, 1)
const made = (name: string, daysAgo: number, change: Partial<SnapshotInfo> = {}) =>
  ({ id: 'ab'.repeat(16), name, time: now - daysAgo * DAY, device: 'me', partial: false, ...change }) as SnapshotInfo
const home = { name: 'home', created: now - 100 * DAY, backupEveryMs: 7 * DAY }
const base: Watched = {
  ...{ now, device: 'me', snapshots: [], sources: [], runs: [], defaultEveryMs: 7 * DAY },
}
const codes = (change: Partial<Watched>) =>
  backupConditions({ ...base, ...change }).map(({ code, about }) => `${code} ${about ?? ''}`.trim())

t.test('no backup for some days', async (t) => {
  t.same(codes({ sources: [home] }), ['STORAGE_BACKUP_OVERDUE home'], 'never backed up since it was defined')
  t.same(codes({ sources: [{ ...home, created: now - DAY }] }), [], 'just defined')
  t.same(codes({ sources: [home], snapshots: [made('home', 7)] }), [])
  t.same(codes({ sources: [home], snapshots: [made('home', 7.1)] }), ['STORAGE_BACKUP_OVERDUE home'])
  t.same(codes({ sources: [home], snapshots: [made('other', 0)] }), ['STORAGE_BACKUP_OVERDUE home'], 'another name')
  t.same(
    codes({ sources: [home], snapshots: [made('home', 0, { device: 'you' })] }),
    ['STORAGE_BACKUP_OVERDUE home'],
    "another device's is its own",
  )
  t.same(codes({ sources: [{ ...home, backupEveryMs: 0 }] }), [], 'never, when so wanted')
  const [one] = backupConditions({ ...base, sources: [home], snapshots: [made('home', 30)] })
  t.match(one, { details: { source: 'home', days: 30 } })
})

t.test('a vault without sources is watched once a first backup exists', async (t) => {
  t.same(codes({}), [])
  t.same(codes({ snapshots: [made('', 8), made('x', 9)] }), ['STORAGE_BACKUP_OVERDUE'])
  t.same(codes({ snapshots: [made('', 8), made('x', 1)] }), [])
  t.same(codes({ snapshots: [made('', 8)], defaultEveryMs: 0 }), [])
})

t.test('a clock that stands wrong raises nothing that outlives it', async (t) => {
  const snapshots = [made('home', 1)]
  t.same(codes({ sources: [home], snapshots, now: now + 3_650 * DAY }), ['STORAGE_BACKUP_OVERDUE home'])
  t.same(codes({ sources: [home], snapshots, now: now - 3_650 * DAY }), [])
})

t.test('failed runs, until one succeeds or the source is backed up otherwise', async (t) => {
  const run = { source: 'home', state: 'failed', begun: now - DAY, text: 'no disk' } as const
  const fine = { ...home, backupEveryMs: 0 }
  t.same(codes({ sources: [fine], runs: [run] }), ['STORAGE_BACKUP_FAILED home'])
  t.same(codes({ sources: [fine], runs: [{ ...run, state: 'ok' }] }), [])
  t.same(codes({ sources: [fine], runs: [run], snapshots: [made('home', 2)] }), ['STORAGE_BACKUP_FAILED home'])
  t.same(codes({ sources: [fine], runs: [run], snapshots: [made('home', 0.5)] }), [])
})

t.test('partial backups: the newest of each source, without sources the newest of all', async (t) => {
  const partial = made('home', 1, { partial: true })
  t.same(codes({ sources: [home], snapshots: [partial] }), ['STORAGE_PARTIAL home'])
  t.same(codes({ sources: [home], snapshots: [made('home', 0.5), partial] }), [])
  t.same(codes({ snapshots: [partial] }), ['STORAGE_PARTIAL home'])
  t.same(codes({ snapshots: [made('x', 0.5), partial] }), [])
})

t.test('an outbox that is full and stuck is told from one that is busy', async (t) => {
  const clock = new VirtualClock()
  let state = { full: false, usedBytes: 0, released: 0 }
  const watch = new OutboxWatch({ clock, outbox: () => state })
  t.notOk(watch.look())
  state = { full: true, usedBytes: 3 * 2 ** 30, released: 0 }
  t.notOk(watch.look(), 'just full')
  await clock.advance(SECOND)
  t.notOk(watch.look())
  state = { ...state, released: 1 }
  await clock.advance(SECOND)
  t.notOk(watch.look(), 'something left, something else took its place')
  await clock.advance(2 * SECOND)
  t.ok(watch.look())
  t.match(watch.condition(0), [
    { code: 'STORAGE_OUTBOX_FULL', text: /full: 3GiB wait for hosts and there is no host;/ },
  ])
  t.match(watch.condition(2), [{ text: /none of 2 hosts takes any/ }])
  state = { full: false, usedBytes: 0, released: 9 }
  t.same(watch.condition(2), [])
})

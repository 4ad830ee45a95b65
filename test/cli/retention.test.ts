/** `forget`, `prune`, `gc` against a daemon of fake services: what is asked, what is printed. */
import t from 'tap'
import { startApi, type ApiFixture } from '../api/api-fixture.ts'
import { ID, TIME } from '../api/fake-services.ts'
import { cli } from './run-cli.ts'

let api: ApiFixture
const at = (...args: string[]) => cli([...args, '--home', api.home])
const json = (...args: string[]) => at(...args, '--json')
const asked = (name: string) => api.state.calls.findLast(([called]) => called === name)?.[1]
t.before(async () => {
  api = await startApi()
})

const pruned = {
  ...{ dryRun: false, freedBytes: 3_145_728, dropped: 2, repacked: 1, seconds: 1 },
  ...{ waitingFor: [] as object[], waitingSnapshots: 0, waitingStripes: 0 },
}

t.test('forget asks for what the options say', async (t) => {
  const read = await json(
    ...[
      'forget',
      '--keep-last',
      '3',
      '--keep-daily',
      'unlimited',
      '--keep-within',
      '1y2m',
      '--keep-within-weekly',
      '30d',
    ],
    ...['--keep-tag', 'a,b', '--keep-tag', 'c', '--name', 'demo', '--group-by', 'host,path', '--dry-run'],
  )
  t.equal(read.code, 0)
  t.same(asked('forget'), {
    snapshots: [],
    keep: { keepLast: 3, keepDaily: -1, keepWithin: '1y2m', keepWithinWeekly: '30d', keepTags: [['a', 'b'], ['c']] },
    filter: { name: 'demo' },
    groupBy: ['device', 'paths'],
    dryRun: true,
    prune: false,
  })
  t.match(read.json, { kept: [{ id: ID, reasons: ['last snapshot'] }], removed: [{ id: ID }], freedBytes: 0 })
  await json('forget', ID, 'latest')
  t.match(asked('forget'), { snapshots: [ID, 'latest'], groupBy: ['device', 'name', 'paths'], dryRun: false })
  for (const bad of [
    ['--keep-last', '-1'],
    ['--keep-within', '3 days'],
    ['--group-by', 'colour'],
  ])
    t.equal((await at('forget', ...bad)).code, 2, bad.join(' '))
})

t.test('forget for people names reasons, and what is left to do', async (t) => {
  const read = await at('forget', '--keep-last', '1')
  t.match(
    read.stdout,
    /Kept 1 snapshot of name demo:[\s\S]*last snapshot[\s\S]*Forgot 1 snapshot:[\s\S]*plexichat prune/,
  )
  t.match((await at('forget', '--keep-last', '1', '--dry-run')).stdout, /Would keep[\s\S]*Would forget/)
})

t.test('prune says what it freed; one that waits is left to itself', async (t) => {
  api.state.jobEvents = [{ type: 'summary', ...pruned }]
  api.state.jobEnd = { state: 'done', summary: pruned }
  const read = await json('prune')
  t.match(read.lines.at(-1), { type: 'summary', freedBytes: 3_145_728, kept: [], removed: [] })
  t.match((await at('prune')).stdout, /Freed 3\.0 MiB.*2 stripes without use, 1 stripe packed again/)
  t.match((await json('forget', '--keep-last', '1', '--prune')).lines.at(-1), {
    ...{ type: 'summary', freedBytes: 3_145_728 },
    ...{ kept: [{ id: ID }], removed: [{ id: ID }] },
  })
  const waiting = {
    ...pruned,
    waitingFor: [{ device: 'laptop-two', until: TIME }],
    waitingSnapshots: 2,
    waitingStripes: 1,
  }
  api.state.jobEvents = [{ type: 'saved', ...waiting }]
  api.state.jobStaysOpen = true
  const left = await at('prune')
  t.equal(left.code, 0)
  t.match(left.stdout, /2 forgotten snapshots until other devices know[\s\S]*laptop-two until 2026-01-02/)
  api.state.jobStaysOpen = false
})

t.test('gc', async (t) => {
  const cleaned = { freedBytes: 10, orphans: 1, indexEntries: 3, seconds: 1 }
  api.state.jobEvents = [{ type: 'summary', ...cleaned }]
  t.match((await at('gc')).stdout, /1 orphan, 3 index entries/)
  t.match((await json('gc')).lines.at(-1), { type: 'summary', ...cleaned })
})

t.test('stops', () => api.close())

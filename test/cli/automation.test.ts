/** source, schedule, policy and notify against a daemon of fake services: what is asked, documents, text, exit codes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApi, type ApiFixture } from '../api/api-fixture.ts'
import { ID, schedule, source } from '../api/fake-services.ts'
import { cli } from './run-cli.ts'

let api: ApiFixture
const at = (...args: string[]) => cli(['--home', api.home, ...args])
const json = (...args: string[]) => at('--json', ...args)
const asked = (name: string) => api.state.calls.findLast(([call]) => call === name)?.[1]
t.before(async () => {
  api = await startApi()
})

t.test('source: ls, add, show, estimate, rm', async (t) => {
  t.strictSame((await json('source', 'ls')).json, { sources: [source] })
  t.match((await at('source')).stdout, /name +what +last backup +next\nhome +\/data/)
  const added = await json('source', 'add', 'work', 'docs', '/srv', '--tag', 'a', '--tag', 'b', '--exclude', '*.o')
  t.match(added.json, { name: 'work' })
  t.match(asked('source.add'), {
    ...{ name: 'work', paths: [join(process.cwd(), 'docs'), '/srv'], tags: ['a', 'b'], exclude: ['*.o'] },
    replace: false,
  })
  await json('source', 'add', 'work', '/srv', '--replace')
  t.match(asked('source.add'), { replace: true })
  t.match((await json('source', 'show', 'home')).json, { name: 'home', lastSnapshot: ID })
  t.match((await at('source', 'show', 'home')).stdout, /without +\*\.tmp/)
  const estimate = await json('source', 'estimate', 'home')
  t.match(estimate.lines.at(-1), { v: 1, type: 'summary', files: 2, newBytes: 3000 })
  t.match((await at('source', 'estimate', 'home')).stdout, /Would back up 2 files, 2\.9 KiB; 2\.9 KiB of it new/)
  t.match((await json('source', 'rm', 'home')).json, { ok: true, name: 'home' })
  t.match((await json('source', 'rm', 'none')).error, { code: 'STORAGE_SOURCE_NOT_FOUND', exitCode: 18 })
  t.match((await json('source', 'add', 'default', '/x')).error, { exitCode: 2 }, 'a reserved name')
  t.match((await json('source', 'add', '/srv/docs', '/x')).error, {
    exitCode: 2,
    remedy: 'plexichat source add docs /srv/docs /x',
  })
})

t.test('backup of a known source by its name alone, with more on top', async (t) => {
  t.equal((await json('backup', '--name', 'home', '--tag', 'extra', '--local')).code, 0)
  t.match(asked('backup'), { source: 'home', paths: [], tags: ['extra'], local: true })
  t.equal((await json('backup', '/data', '--name', 'home')).code, 0)
  const request = asked('backup') as Record<string, unknown>
  t.match(request, { name: 'home', paths: ['/data'] })
  t.equal(request['source'], undefined, 'with a PATH it is just a name')
})

t.test('schedule: ls, add, show, run, pause, resume, rm', async (t) => {
  t.strictSame((await json('schedule', 'ls')).json, { schedules: [schedule] })
  t.match((await at('schedule')).stdout, /c0ffee00 +home +30 2 \* \* \* UTC/)
  await json('schedule', 'add', 'home', '30 2 * * *', '--zone', 'UTC', '--jitter', '10m', '--prune', '--paused')
  t.match(asked('schedule.add'), {
    ...{ source: 'home', cron: '30 2 * * *', zone: 'UTC', jitterMs: 600_000, afterwards: 'prune', paused: true },
  })
  await json('schedule', 'add', 'home', '@daily', '--forget')
  t.match(asked('schedule.add'), { cron: '@daily', jitterMs: 0, afterwards: 'forget', paused: false })
  await json('schedule', 'add', 'home', '0', '3', '*', '*', 'MON')
  t.match(asked('schedule.add'), { cron: '0 3 * * MON', afterwards: 'nothing' }, 'taken apart by the shell')
  t.match((await json('schedule', 'show', 'c0ff')).json, { id: 'c0ffee00', runs: [{ state: 'partial', snapshot: ID }] })
  t.match((await at('schedule', 'show', 'c0ff')).stdout, /2026-01-02 03:04:05 +partial .*1 item could not be read/)
  t.match((await json('schedule', 'run', 'c0ff')).json, { id: 'job-1', kind: 'backup' })
  t.match((await json('schedule', 'pause', 'c0ff')).json, { paused: true })
  t.match((await at('schedule', 'pause', 'c0ff')).stdout, /next paused/)
  await json('schedule', 'resume', 'c0ff')
  t.same(asked('schedule.pause'), { id: 'c0ff', paused: false })
  t.match((await json('schedule', 'rm', 'c0ff')).json, { ok: true, id: 'c0ff' })
  t.equal((await json('schedule', 'add', 'home')).code, 2)
  t.equal((await json('schedule', 'add', 'home', '@daily', '--jitter', 'soon')).code, 2)
})

t.test('policy: what is said changes, the rest stays', async (t) => {
  t.match((await json('policy', 'show', 'home')).json, { scope: 'home', effective: { backupEveryMs: 604_800_000 } })
  t.match((await at('policy', 'show', 'home')).stdout, /alarm without a backup for +7d/)
  await json('policy', 'set', 'home', '--keep-weekly', '5', '--backup-every', '2d')
  t.strictSame(asked('policy.set'), {
    ...{ scope: 'home', keep: { keepDaily: 7, keepWeekly: 5 }, backupEveryMs: 172_800_000 },
  })
  await json('policy', 'set', '--reset', '--backup-every', 'never')
  t.strictSame(asked('policy.set'), { scope: 'default', backupEveryMs: 0 })
  t.equal((await json('policy', 'set', 'home', '--keep-daily', 'some')).code, 2)
})

t.test('notify: ls, add, test, rm; a secret is printed once, and only one that was made', async (t) => {
  t.match((await json('notify', 'ls')).json, { targets: [{ name: 'ops', kind: 'webhook' }, { name: 'mail' }] })
  t.match((await at('notify')).stdout, /ops +webhook +https:\/\/example\.org\/…/)
  const made = await at('notify', 'add', 'ops', '--webhook', 'https://example.org/x', '--on', 'all')
  t.match(made.stdout, /secret +s{43}/)
  t.match(asked('webhook.add'), { name: 'ops', url: 'https://example.org/x', wants: 'all' })
  const file = join(api.home, 'secret')
  writeFileSync(file, 'correct-horse-battery\n')
  const own = await json('notify', 'add', 'ops', '--webhook', 'https://example.org/x', '--secret-file', file)
  t.match(asked('webhook.add'), { secret: 'correct-horse-battery', wants: 'alarms' })
  t.notMatch(own.stdout + own.stderr, 'correct-horse')
  await json('notify', 'add', 'mail', '--', '/usr/bin/mail', '-s', 'PlexiChat', 'me')
  t.match(asked('command.add'), { name: 'mail', command: ['/usr/bin/mail', '-s', 'PlexiChat', 'me'] })
  t.match((await json('notify', 'test', 'ops')).json, { name: 'ops', ok: true })
  t.match((await json('notify', 'test', 'mail')).error, { code: 'SYSTEM_NOTIFY_FAILED', exitCode: 16 })
  t.match((await json('notify', 'rm', 'ops')).json, { ok: true })
  t.equal((await json('notify', 'add', 'ops')).code, 2)
  t.equal((await json('notify', 'add', 'ops', '--webhook', 'https://x', '--', '/bin/true')).code, 2)
})

t.test('stops', () => api.close())

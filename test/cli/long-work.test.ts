/** Commands that start a job and follow it: JSON lines, waiting, failures, Ctrl-C. */
import { Readable } from 'node:stream'
import t from 'tap'
import type { JobEvent } from '../../src/api/index.ts'
import { startApi, type ApiFixture } from '../api/api-fixture.ts'
import { ID, summary } from '../api/fake-services.ts'
import { cli, until, type CliRunOptions } from './run-cli.ts'

let api: ApiFixture
t.before(async () => {
  api = await startApi()
})
t.beforeEach(() => {
  api.state.jobStaysOpen = false
  api.state.jobEvents = [
    progress(10),
    progress(3000),
    { type: 'saved', ...summary, placed: 0, queued: 1 },
    { type: 'summary', ...summary },
  ]
  api.state.jobEnd = { state: 'done', summary }
  api.state.calls.length = 0
})
const run = (args: string[], options?: CliRunOptions) => cli([...args, '--home', api.home], options)
const calls = (name: string) => api.state.calls.filter(([called]) => called === name)

function progress(bytes: number): JobEvent {
  return { type: 'progress', phase: 'reading', files: 1, filesTotal: 2, bytes, bytesTotal: 3000 }
}

t.test('backup: lines, the last one the summary with every documented field', async (t) => {
  const { code, lines, stderr } = await run([
    'backup',
    'src',
    '--tag',
    'a',
    '--tag',
    'b',
    '--exclude',
    '*.o',
    '--name',
    'n',
    '--json',
  ])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.ok(lines.every((line) => line['v'] === 1 && typeof line['type'] === 'string'))
  t.strictSame(
    lines.map((line) => line['type']),
    ['started', 'progress', 'progress', 'saved', 'summary'],
  )
  t.match(lines.at(-1), { v: 1, ...summary })
  t.match(calls('backup')[0]?.[1], { paths: [`${process.cwd()}/src`], tags: ['a', 'b'], exclude: ['*.o'], name: 'n' })
})

t.test('backup for people', async (t) => {
  const { code, stdout, stderr } = await run(['backup', '/data'])
  t.equal(code, 0)
  t.match(stdout, /^✓ Snapshot abababababab: 2 files, 2\.9 KiB in 1\.5 s\n/)
  t.match(stdout, /any 1 of 3 hosts bring it back/)
  t.equal(stderr, '', 'no bar without a terminal')
  t.match((await run(['backup', '/data', '--dry-run'])).stdout, /Would back up 2 files/)
})

t.test('on remotes alone: no share of hosts that sounds as if nothing were stored', async (t) => {
  const alone = { ...summary, hosts: 0, placed: 3, queued: 0, safe: 0, belowTarget: true }
  api.state.jobEvents = [{ type: 'summary', ...alone }]
  const { stdout, stderr } = await run(['backup', '/data'])
  t.match(stdout, /placed {5}on your remote, 3 stripes in all\n?$/)
  t.match(stderr, /no host keeps a copy; a friend makes it safe/)
  t.notMatch(stdout + stderr, / 0 %/)
})

t.test('a job behind others says so', async (t) => {
  api.state.jobEvents = []
  api.state.jobStaysOpen = true
  api.state.jobEnd = { state: 'queued' }
  const { stderr } = await run(['backup', '/data'], {
    control: (interrupt, output) => void until(() => output().includes('begins when')).then(interrupt),
  })
  t.match(stderr, /Job job-1 begins when the ones before it have ended: plexichat jobs ls\nDetached/)
})

t.test('files that could not be read: exit 3 after the summary', async (t) => {
  const skipped = [{ path: '/data/x', code: 'STORAGE_SOURCE_UNREADABLE', reason: 'EACCES' }]
  api.state.jobEvents = [{ type: 'summary', ...summary, skipped }]
  const result = await run(['backup', '/data', '--json'])
  t.equal(result.code, 3)
  t.match(result.lines.at(-1), { type: 'summary', skipped })
  t.match(result.error, { code: 'STORAGE_PARTIAL', exitCode: 3 })
})

t.test('too few hosts: waits while something moves, then exits 14 with the job running on', async (t) => {
  api.state.jobEvents = [{ type: 'saved', ...summary, placed: 0, queued: 1 }]
  api.state.jobStaysOpen = true
  api.state.jobEnd = { state: 'waiting' }
  const result = await run(['backup', '/data', '--wait', '200ms', '--json'])
  t.equal(result.code, 14)
  t.match(result.lines.at(-1), { type: 'summary', snapshot: ID, queued: 1, placed: 0 })
  t.match(result.error, { code: 'STORAGE_TOO_FEW_HOSTS', exitCode: 14, message: /job job-1 goes on/ })
  t.equal(calls('cancel').length, 0)
})

t.test('a job that fails is a command that fails, with its code and details', async (t) => {
  const failure = { code: 'STORAGE_UNRESTORABLE', message: '1 stripe lost', remedy: 'x', exitCode: 15 }
  api.state.jobEvents = [{ type: 'error', ...failure, details: { snapshots: ['demo'], files: ['data/a.txt'] } }]
  const result = await run(['restore', 'latest', '--to', '/tmp/x', '--json'])
  t.equal(result.code, 15)
  t.match(result.error, { code: 'STORAGE_UNRESTORABLE', message: '1 stripe lost', details: { files: ['data/a.txt'] } })
  t.match((await run(['restore', 'latest', '--to', '/tmp/x'])).stderr, /Hit: snapshot demo\n {2}Hit: file data\/a\.txt/)
  const files = [{ snapshot: ID, path: 'data/b.txt' }]
  api.state.jobEvents = [{ type: 'error', ...failure, details: { files } }]
  t.match((await run(['verify'])).stderr, /Hit: file abababababab:data\/b\.txt/)
})

t.test('restore: what is there and different is told once, with what replaces it', async (t) => {
  const reason = '/tmp/x/a exists and is different'
  const failed = [{ path: '/tmp/x/a', code: 'STORAGE_TARGET_EXISTS', reason }]
  api.state.jobEvents = [{ type: 'summary', files: 2, dirs: 1, bytes: 3000, seconds: 1, failed }]
  const { code, stdout, stderr } = await run(['restore', 'latest', '--to', '/tmp/x'])
  t.equal(code, 3)
  t.match(stdout, /^ {2}failed {2}\/tmp\/x\/a exists and is different$/m)
  t.match(stderr, /Fix: to replace them: .*--overwrite older.*\n$/)
  const lost = [{ path: '', code: 'STORAGE_CHUNK_CORRUPT', reason: 'a list is lost' }]
  api.state.jobEvents = [{ type: 'summary', files: 0, dirs: 0, bytes: 0, seconds: 1, failed: lost }]
  t.match((await run(['restore', 'latest', '--to', '/tmp/x'])).stdout, /^ {2}failed {2}a list is lost$/m)
})

t.test('restore: request and exit codes', async (t) => {
  const restored = { files: 2, dirs: 1, bytes: 3000, seconds: 1, failed: [] }
  api.state.jobEvents = [{ type: 'summary', ...restored }]
  const good = await run([
    'restore',
    'latest:data/a.txt',
    '--to',
    'out',
    '--name',
    'demo',
    '--full-paths',
    '--verify',
    '--json',
  ])
  t.equal(good.code, 0)
  t.match(good.lines.at(-1), { v: 1, type: 'summary', ...restored })
  t.strictSame(calls('restore')[0]?.[1], {
    ref: 'latest',
    path: 'data/a.txt',
    to: `${process.cwd()}/out`,
    overwrite: 'never',
    fullPaths: true,
    verify: true,
    plan: false,
    filter: { name: 'demo' },
  })
  const failed = [{ path: 'a', code: 'STORAGE_TARGET_EXISTS', reason: 'exists' }]
  api.state.jobEvents = [{ type: 'summary', ...restored, failed }]
  t.equal((await run(['restore', 'latest', '--to', 'out'])).code, 3)
  failed.push({ path: 'b', code: 'STORAGE_UNRESTORABLE', reason: 'gone' })
  const lost = await run(['restore', 'latest', '--to', 'out', '--json'])
  t.equal(lost.code, 15)
  t.match(lost.error, { code: 'STORAGE_UNRESTORABLE', details: { files: ['a', 'b'] } })

  const { remotes } = api.state
  t.teardown(() => (api.state.remotes = remotes))
  api.state.remotes = remotes.map((remote) => ({ ...remote, state: 'absent' }))
  const unplugged = await run(['restore', 'latest', '--to', 'out', '--json'])
  t.match(unplugged.error, {
    ...{ code: 'STORAGE_UNRESTORABLE', exitCode: 15, details: { files: ['a', 'b'] } },
    ...{ message: /; \/mnt\/disk\/plexichat is not there$/, remedy: /^connect the drive/ },
  })
})

t.test('verify: exit 15 when something is bad', async (t) => {
  const checked = { ok: true, checked: 40, bad: [], seconds: 2 }
  api.state.jobEvents = [{ type: 'summary', ...checked }]
  t.equal((await run(['verify', '--read-data=25%'])).code, 0)
  t.match(calls('verify')[0]?.[1], { ref: 'all', readDataPercent: 25 })
  t.equal((await run(['verify', 'latest', '--read-data'])).code, 0)
  t.match(calls('verify')[1]?.[1], { ref: 'latest', readDataPercent: 100 })
  t.equal((await run(['verify', '--read-data=200'])).code, 2)
  api.state.jobEvents = [{ type: 'summary', ...checked, ok: false, bad: [{ shard: ID, peer: 'p', why: 'corrupt' }] }]
  const bad = await run(['verify', '--json'])
  t.equal(bad.code, 15)
  t.match(bad.lines.at(-1), { ok: false, bad: [{ shard: ID }] })
  t.match(bad.error, { code: 'STORAGE_SHARD_CORRUPT', exitCode: 15 })
})

t.test('a command and databases are for the daemon to read', async (t) => {
  const named = ['backup', '--command', 'pg_dump shop', '--stdin', 'shop.sql', '--name', 'shop', '--json']
  t.equal((await run(named)).code, 0)
  const command = { run: 'pg_dump shop', directory: process.cwd(), as: 'shop.sql' }
  const [, body] = calls('backup')[0] as [string, Record<string, unknown>]
  t.match(body, { paths: [], command, name: 'shop' })
  t.equal(body['stdin'], undefined)
  t.equal((await run(['backup', '--sqlite', 'app.db', '--sqlite', '/b.db', '--json'])).code, 0)
  t.match(calls('backup')[1]?.[1], { paths: [], sqlite: [`${process.cwd()}/app.db`, '/b.db'] })
  const both = await run(['backup', 'x', '--command', 'y', '--json'])
  t.match(both.error, { code: 'VALIDATION_USAGE', message: /either PATHs or --command/ })
})

t.test('stdin is streamed into the job', async (t) => {
  const parts = [Buffer.alloc(100_000, 1), Buffer.alloc(5, 2)]
  const result = await run(['backup', '--stdin', 'dump.sql', '--json'], { stdin: parts })
  t.equal(result.code, 0)
  t.match(calls('backup')[0]?.[1], { paths: [], stdin: 'dump.sql' })
  t.strictSame(calls('input')[0]?.[1], { id: 'job-1', bytes: 100_005 })
})

t.test('input that breaks off cancels the job', async (t) => {
  api.state.jobStaysOpen = true
  api.state.jobEvents = []
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(10)
    throw Object.assign(new Error('read failed'), { code: 'EIO' })
  }
  const result = await run(['backup', '--stdin', 'x', '--json'], { stdin: Readable.from(broken()) })
  t.equal(result.code, 1)
  t.match(result.error, { code: 'STORAGE_IO' })
  t.equal(calls('cancel').length, 1)
})

t.test('Ctrl-C detaches from a backup', async (t) => {
  api.state.jobStaysOpen = true
  api.state.jobEvents = [progress(10)]
  const result = await run(['backup', '/data'], {
    control: (interrupt) => {
      void until(() => calls('backup').length > 0).then(() => setTimeout(interrupt, 100))
    },
  })
  t.equal(result.code, 130)
  t.match(result.stderr, /job job-1 goes on[\s\S]*plexichat jobs attach job-1/)
  t.equal(calls('cancel').length, 0)
})

t.test('Ctrl-C twice cancels it', async (t) => {
  api.state.jobStaysOpen = true
  api.state.jobEvents = [progress(10)]
  const result = await run(['backup', '/data', '--json'], {
    control: (interrupt) => {
      void until(() => calls('backup').length > 0).then(() => {
        setTimeout(interrupt, 100)
        setTimeout(interrupt, 300)
      })
    },
  })
  t.equal(result.code, 130)
  t.match(result.error, { code: 'SYSTEM_INTERRUPTED', message: /cancelled/ })
  t.equal(calls('cancel').length, 1)
})

t.test('jobs attach follows an old job to its end', async (t) => {
  const result = await run(['jobs', 'attach', 'job-1', '--json'])
  t.equal(result.code, 0)
  t.match(result.lines.at(-1), { type: 'summary', files: 2 })
  t.match((await run(['jobs', 'cancel', 'job-1', '--json'])).json, { id: 'job-1', state: 'cancelled' })
})

t.test('the daemon ends meanwhile', async (t) => {
  const other = await startApi()
  other.state.jobStaysOpen = true
  other.state.jobEvents = [progress(1)]
  const running = cli(['backup', '/data', '--json', '--home', other.home])
  await until(() => other.state.calls.some(([name]) => name === 'backup'))
  await other.close()
  const result = await running
  t.equal(result.code, 13)
  t.match(result.error, { code: 'SYSTEM_DAEMON_NOT_RUNNING' })
})

t.test('stops', () => api.close())

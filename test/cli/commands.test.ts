/** Commands that read, against a daemon of fake services: documents, human text, exit codes, errors. */
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApi, type ApiFixture } from '../api/api-fixture.ts'
import { ID, identityVault, PEER, status } from '../api/fake-services.ts'
import { cli, until } from './run-cli.ts'

let api: ApiFixture
const at = (...args: string[]) => cli([...args, '--home', api.home])
const json = (...args: string[]) => at(...args, '--json')
t.before(async () => {
  api = await startApi()
})

t.test('status: the document, the figures, the sentence', async (t) => {
  const read = await json('status')
  t.equal(read.code, 0)
  t.strictSame(read.json, { ...status })
  const human = await at('status')
  t.match(
    human.stdout,
    /✓ Everything is safe with Bob and Ada\.[\s\S]*safe .*99\.999 % \(target 99\.99 %, not measured yet\)/,
  )
  t.notMatch(human.stdout, /\u001b/, 'no ANSI without a terminal')
  t.equal((await at()).stdout, '✓ Everything is safe with Bob and Ada.\n')
  t.match((await cli(['status', '--home', api.home], { isTTY: true })).stdout, /\u001b\[/)
  t.notMatch((await cli(['status', '--home', api.home], { isTTY: true, env: { NO_COLOR: '1' } })).stdout, /\u001b/)
})

t.test('lists are one document each, under the documented name', async (t) => {
  t.match((await json('snapshots', '--name', 'demo')).json, { snapshots: [{ id: ID, placed: true, files: 2 }] })
  t.match(
    api.state.calls.findLast(([name]) => name === 'snapshots.list'),
    ['snapshots.list', { name: 'demo' }],
  )
  t.match((await json('ls', 'latest:/data/', '--path', '/data')).json, { entries: [{ path: 'data/a.txt' }] })
  t.match(api.state.calls.findLast(([name]) => name === 'tree')?.[1], {
    ref: 'latest',
    path: 'data',
    recursive: false,
    filter: { path: '/data' },
  })
  const all = (await json('ls', 'latest', '-R')).json as { entries: unknown[] }
  t.equal(all.entries.length, 12_000, 'many pages')
  t.match((await json('find', '*.txt')).json, { entries: [{ path: 'data/a.txt', snapshot: ID }] })
  t.match((await json('peers')).json, { peers: [{ peer: PEER, name: 'Bob', vouched: true, received: 1048576 }] })
  t.match((await json('jobs')).json, { jobs: [{ id: 'job-0' }] })
  t.match((await json('circle')).json, { circles: [{ circle: 'main', current: true }] })
  t.match((await json('events')).json, { events: [{ seq: 1 }, { seq: 2 }, { seq: 3 }] })
})

t.test('the same for people', async (t) => {
  t.match((await at('snapshots')).stdout, /snapshot +time \(UTC\)[\s\S]*abababababab {2}2026-01-02 03:04:05 {2}demo/)
  t.match((await at('ls', 'latest')).stdout, /-rw-r--r-- {2}ada +3 B {2}2026-01-02 03:04:05 {2}data\/a\.txt/)
  t.match((await at('peers')).stdout, /Bob/)
  t.match((await at('host', 'ls')).stdout, /Holding 10 B of 100 B offered/)
  t.match((await at('net', 'addrs')).stdout, /^\/ip4\/127\.0\.0\.1\/tcp\/7421\/p2p/)
  t.match((await at('net', 'dht')).stdout, /\/plexichat\/main\/kad\/1\.0\.0 as server/)
  t.match((await at('config', 'show', '--origin')).stdout, /api\.port +7420 +default/)
  t.match((await at('identity', 'show')).stdout, /laptop/)
  t.match((await at('identity', 'kit')).stdout, /RECOVERY KIT[\s\S]* 1 _+ {3}2 _+[\s\S]*24 _+/)
  t.match((await at('metrics')).stdout, /^plexi_up 1/)
})

t.test('diff: entries with totals, or lines and one with the counts', async (t) => {
  const read = await json('diff', 'abab:/docs', 'latest', '--name', 'demo')
  t.match(read.json, {
    entries: [{ path: 'a.txt', change: 'modified', before: { size: 3 }, after: { size: 5 } }, {}, {}, {}, {}],
    totals: { added: 1, removed: 1, modified: 1, type: 1, metadata: 1, addedBytes: 8, removedBytes: 9 },
  })
  t.strictSame(api.state.calls.findLast(([name]) => name === 'diff')?.[1], {
    a: { ref: 'abab', path: 'docs' },
    b: { ref: 'latest' },
    filter: { name: 'demo' },
  })
  t.equal(
    (await at('diff', 'abab', 'latest')).stdout,
    'M a.txt\n+ b\\u001b.txt\n- c.txt\nT d/\nU e\n' +
      '1 entry added, 1 removed, 1 modified, 1 of another type, 1 with other metadata; 8 B came, 9 B went\n',
  )
})

t.test('cat prints the bytes alone', async (t) => {
  const read = await at('cat', 'latest:data/a.txt')
  t.equal(read.stdout, 'hello\n')
  t.equal(read.stderr, '')
  t.equal((await at('cat', 'latest')).code, 2)
  const broken = await json('cat', 'latest:broken')
  t.equal(broken.code, 15)
  t.match(broken.error, { code: 'STORAGE_UNRESTORABLE', exitCode: 15 })
})

t.test('export: a stream for a pipe, or a new file that is whole', async (t) => {
  const read = await at('export', 'latest:/data', '--name', 'demo')
  t.equal(read.stdout, 'a tar stream')
  t.strictSame(api.state.calls.findLast(([name]) => name === 'archive')?.[1], { ref: 'latest', path: 'data' })
  t.match(await cli(['export', 'latest', '--home', api.home], { isTTY: true }), { code: 2, stdout: '' })
  const file = join(api.home, 'a.tar')
  t.match((await json('export', 'latest', '--to', file)).json, { path: file, bytes: 12 })
  t.equal(readFileSync(file, 'utf8'), 'a tar stream')
  t.match((await json('export', 'latest', '--to', file)).error, { code: 'STORAGE_EXISTS' })
  const broken = join(api.home, 'broken.tar')
  t.equal((await at('export', 'latest:broken', '--to', broken)).code, 15)
  t.same([broken, `${broken}.part`].filter(existsSync), [], 'nothing half done is left')
})

t.test('serve: prints its address, answers there, and ends with an interrupt', async (t) => {
  let page = ''
  const run = await cli(['serve', '--home', api.home, '--json'], {
    control: (interrupt, output) => {
      void until(() => output().includes('"ready"')).then(async () => {
        const { url } = JSON.parse(output()) as { url: string }
        page = await (await fetch(url)).text()
        interrupt()
      })
    },
  })
  t.equal(run.code, 0)
  t.match(run.lines, [{ type: 'ready', url: /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/ }])
  t.match(page, '/latest/')
  await t.rejects(fetch(String(run.json['url'])), 'nobody listens any more')
  t.equal((await cli(['serve', '--home', '/nowhere'])).code, 10, 'without a vault it does not start')
})

t.test('shard: every subcommand', async (t) => {
  t.match((await json('shard', 'ls')).json, { shards: [{ id: ID, index: 0, k: 1, n: 3, holders: [{ peer: PEER }] }] })
  await json('shard', 'ls', '--hosted', '--peer', 'Bob', '--snapshot', 'latest')
  t.strictSame(api.state.calls.findLast(([name]) => name === 'shards.list')?.[1], {
    snapshot: 'latest',
    peer: 'Bob',
    hosted: true,
  })
  t.match((await json('shard', 'show', 'abab')).json, {
    ...{ id: ID, kind: 'data', epoch: 1, suite: 1, stripe: ID, index: 0, k: 1, n: 3, chunks: 12, why: String },
    holders: [{ peer: PEER, state: 'held', lastAudit: null, leaseUntil: String }],
  })
  t.match((await json('shard', 'verify', ID)).json, { ok: true, id: ID, root: ID, leaves: 64 })
  t.strictSame(Object.keys((await json('shard', 'proof', ID, '--leaf', '3')).json), [
    'id',
    'leaf',
    'data',
    'path',
    'root',
    'ok',
  ])
  t.equal((await json('shard', 'proof', ID, '--leaf', '64')).code, 2)
  t.match((await json('shard', 'locate', ID)).json, { id: ID, holders: [{ state: 'held' }] })
  const file = join(api.home, 'fetched')
  t.match((await json('shard', 'fetch', ID, '--to', file)).json, { bytes: 1048576, path: file })
  t.equal(readFileSync(file).length, 1_048_576)
  t.match((await at('shard', 'show', 'abab')).stdout, /Bob: held, lease ends/)
})

t.test('writes', async (t) => {
  t.match((await json('peers', 'trust', 'Bob', '--name', 'Bobby')).json, { peer: PEER })
  t.strictSame(api.state.calls.findLast(([name]) => name === 'trust')?.[1], { id: 'Bob', trusted: true, name: 'Bobby' })
  await json('peers', 'quota', 'Bob', '2GiB')
  t.strictSame(api.state.calls.findLast(([name]) => name === 'quota')?.[1], { id: 'Bob', bytes: 2 ** 31 })
  await json('peers', 'quota', 'Bob', 'default')
  t.strictSame(api.state.calls.findLast(([name]) => name === 'quota')?.[1], { id: 'Bob', bytes: null })
  t.equal((await at('peers', 'block', 'Bob')).code, 2, 'asks, and there is nobody to answer')
  t.equal((await at('peers', 'block', 'Bob', '--yes')).code, 0)
  t.match((await json('host', 'resize', '10GiB')).json, { offer: 10 * 2 ** 30 })
  t.match((await json('invite', '--uses', '3', '--expires', '2d')).json, { code: 'plexi1code', uses: 3 })
  t.strictSame(api.state.calls.findLast(([name]) => name === 'invite')?.[1], { uses: 3, expiresMs: 172_800_000 })
  t.equal((await json('join', 'plexi1wrong')).code, 17)
  t.match((await json('config', 'set', 'api.port', '8000')).json, { applied: ['api.port'] })
  t.strictSame(api.state.calls.findLast(([name]) => name === 'config.change')?.[1], { set: { 'api.port': 8000 } })
  t.equal((await json('config', 'get', 'api.prt')).code, 18)
})

t.test('identity check: the words stay here', async (t) => {
  const before = api.state.calls.length
  const words = join(api.home, 'words')
  writeFileSync(words, `${identityVault.phrase}\n`)
  t.match((await json('identity', 'check', '--phrase-file', words)).json, { ok: true, vault: identityVault.vault })
  t.equal(
    (await cli(['identity', 'check', '--home', api.home], { stdin: [identityVault.phrase.toUpperCase()] })).code,
    0,
  )
  writeFileSync(words, identityVault.otherPhrase)
  const other = await json('identity', 'check', '--phrase-file', words)
  t.equal(other.code, 12)
  t.match(other.error, { code: 'AUTH_PHRASE_MISMATCH' })
  writeFileSync(words, 'not at all')
  t.match((await json('identity', 'check', '--phrase-file', words)).error, {
    code: 'AUTH_PHRASE_INVALID',
    exitCode: 12,
  })
  t.equal(api.state.calls.length, before, 'nothing was sent to the daemon')
})

t.test('errors: three lines for people, one JSON line for programs, the table’s exit code', async (t) => {
  const human = await at('jobs', 'show', 'nope')
  t.equal(human.code, 18)
  t.equal(human.stdout, '')
  t.match(human.stderr, /^✗ SYSTEM_JOB_NOT_FOUND: no job nope\n {2}Why: .+\n {2}Fix: plexichat --home \S+ jobs ls\n$/)
  const ofEnvironment = await cli(['jobs', 'show', 'nope'], { env: { PLEXICHAT_HOME: api.home } })
  t.match(ofEnvironment.stderr, / {2}Fix: plexichat jobs ls\n$/)
  const spaced = await cli(['up', '--home', "/no where/it's"])
  t.match(spaced.stderr, String.raw`Fix: plexichat --home '/no where/it'\''s' init`)
  const program = await json('jobs', 'show', 'nope')
  t.equal(program.code, 18)
  t.match(program.error, {
    type: 'error',
    code: 'SYSTEM_JOB_NOT_FOUND',
    message: 'no job nope',
    remedy: 'plexichat jobs ls',
    exitCode: 18,
  })
  t.equal((await json('shard', 'show', 'ffff')).error['code'], 'STORAGE_SHARD_NOT_FOUND')
  api.state.jobStaysOpen = true
  t.equal((await json('jobs', 'attach', 'job-1', '--timeout', '0')).error['code'], 'SYSTEM_TIMEOUT')
  api.state.jobStaysOpen = false
})

t.test('usage: exit 2, with a suggestion where one is near', async (t) => {
  for (const [args, hint, help = `plexichat help ${args[0]}`] of [
    [['statsu'], /unknown command 'statsu' \(Did you mean status\?\)/, 'plexichat help'],
    [['status', '--jsno'], /unknown option '--jsno' \(Did you mean --json\?\)/],
    [['backup'], /nothing to back up/],
    [['restore', 'latest'], /--to <dir>' not specified/],
    [['restore', 'latest', '--to', 'x', '--overwrite', 'maybe'], /Allowed choices are never, older, always/],
    [['jobs', 'shwo'], /unknown command 'jobs shwo'/],
    [['help', 'statsu'], /unknown command 'statsu'/, 'plexichat help'],
    [['shard'], /needs a subcommand/],
    [['init', '--offer', 'lots'], /expected a size such as 50GiB/],
    [['ls', ':path'], /no snapshot before the colon/],
    [['backup', 'x', '--stdin', 'y'], /either PATHs or --stdin/],
    [['completion', 'tcsh'], /bash, zsh, fish/],
    [['remote', 'add'], /missing required argument 'dir'/, 'plexichat remote add --help'],
  ] as const) {
    const run = await at(...args)
    t.equal(run.code, 2, args.join(' '))
    t.match(run.stderr, hint)
    t.match((await json(...args)).error, { type: 'error', code: 'VALIDATION_USAGE', exitCode: 2, remedy: help })
  }
})

t.test('help is on stdout and no failure', async (t) => {
  const help = await cli(['--help'])
  t.equal(help.code, 0)
  for (const word of ['Getting started', 'backup', 'recover', 'identity', 'completion']) t.match(help.stdout, word)
  t.match((await cli(['backup', '--help'])).stdout, /--exclude <pattern>[\s\S]*--wait <duration>/)
  t.match((await cli(['help', 'restore'])).stdout, /--overwrite <what>/)
})

t.test('without a daemon, without a vault', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'plexi-cli-'))
  try {
    const none = await cli(['status', '--json', '--home', home])
    t.match(none.error, { code: 'SYSTEM_NOT_INITIALISED', exitCode: 10, remedy: 'plexichat init' })
    t.equal(none.code, 10)
    mkdirSync(join(home, 'identity'))
    writeFileSync(join(home, 'identity', 'keystore'), '')
    const down = await cli(['snapshots', '--json'], { env: { PLEXICHAT_HOME: home } })
    t.match(down.error, { code: 'SYSTEM_DAEMON_NOT_RUNNING', exitCode: 13, remedy: 'plexichat up' })
    t.equal(down.code, 13)
    t.equal((await cli(['down', '--json', '--home', home])).code, 13)
  } finally {
    rmSync(home, { recursive: true })
  }
})

t.test('stops', () => api.close())

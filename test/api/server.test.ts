/** The API over real sockets: who may come in, what bad input gets, and every kind of answer. */
import { request } from 'node:http'
import { statSync } from 'node:fs'
import { Readable } from 'node:stream'
import t from 'tap'
import { isPlexiError, PlexiError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { ApiClient, paths } from '../../src/api/index.ts'
import { collect } from '../support/vault.ts'
import { OPERATOR_TOKEN, startApi, TOKEN, type ApiFixture } from './api-fixture.ts'
import { ID, job, status } from './fake-services.ts'

let api: ApiFixture
t.before(async () => {
  api = await startApi()
})

interface Raw {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** A request as a stranger would send it: every header as given. */
function raw(options: {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
  socket?: boolean
}): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const at = options.socket === true ? { socketPath: api.socketPath } : { host: '127.0.0.1', port: api.port }
    const sent = request(
      {
        ...at,
        method: options.method ?? 'GET',
        path: options.path ?? '/api/v1/status',
        headers: { host: `127.0.0.1:${String(api.port)}`, ...options.headers },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        })
      },
    )
    sent.on('error', reject)
    sent.end(options.body)
  })
}

const tick = () => new Promise((done) => setTimeout(done, 5))
const bearer = { authorization: `Bearer ${TOKEN}` }
const problemOf = (answer: Raw): Record<string, unknown> => JSON.parse(answer.body) as Record<string, unknown>

t.test('the socket is of mode 0600 and needs no token', async (t) => {
  t.equal(statSync(api.socketPath).mode & 0o777, 0o600)
  t.strictSame(await api.local.call('status', {}), status)
})

t.test('TCP needs the token, in the header only', async (t) => {
  t.match(problemOf(await raw({})), { status: 401, code: 'AUTH_TOKEN_REQUIRED' })
  t.match(problemOf(await raw({ headers: { authorization: 'Bearer wrong' } })), { code: 'AUTH_TOKEN_INVALID' })
  t.match(problemOf(await raw({ headers: { authorization: 'Basic eDp5' } })), { code: 'AUTH_TOKEN_INVALID' })
  t.match(problemOf(await raw({ path: `/api/v1/status?token=${TOKEN}` })), { code: 'AUTH_TOKEN_REQUIRED' })
  t.equal((await raw({ headers: bearer })).status, 200)
  t.strictSame(await api.remote.call('status', {}), status)
  t.equal((await raw({ path: '/api/v1/health/live' })).status, 200, 'liveness is open')
})

t.test('only our own names as Host, only our own pages as Origin', async (t) => {
  for (const host of [
    'evil.example',
    `evil.example:${String(api.port)}`,
    '127.0.0.1',
    'localhost:1',
    'plexichat.local',
  ])
    t.match(problemOf(await raw({ headers: { ...bearer, host } })), { status: 403, code: 'AUTH_ORIGIN' }, host)
  const own = `127.0.0.1:${String(api.port)}`
  for (const origin of ['http://evil.example', 'null', `https://${own}`, `http://${own}.evil.example`, 'file://'])
    t.match(problemOf(await raw({ headers: { ...bearer, origin } })), { code: 'AUTH_ORIGIN' }, origin)
  t.match(problemOf(await raw({ headers: { ...bearer, 'sec-fetch-site': 'cross-site' } })), { code: 'AUTH_ORIGIN' })
  for (const origin of [`http://${own}`, `http://localhost:${String(api.port)}`])
    t.equal((await raw({ headers: { ...bearer, origin } })).status, 200)
  t.equal((await raw({ socket: true, headers: { host: own } })).status, 403, 'the socket has its own name')
})

t.test('security headers and correlation ids', async (t) => {
  const answer = await raw({ headers: { ...bearer, 'x-correlation-id': 'my-own-id-1' } })
  t.match(answer.headers, {
    'x-correlation-id': 'my-own-id-1',
    'x-content-type-options': 'nosniff',
    'content-security-policy': /default-src 'none'/,
    'cache-control': 'no-store',
  })
  const other = await raw({ path: '/api/v1/nothing', headers: { ...bearer, 'x-correlation-id': 'bad id\u0080' } })
  t.match(other.headers['content-type'], /application\/problem\+json/)
  const problem = problemOf(other)
  t.match(problem, {
    type: 'urn:plexichat:error:STORAGE_NOT_FOUND',
    status: 404,
    instance: '/api/v1/nothing',
    code: 'STORAGE_NOT_FOUND',
    remedy: String,
    detail: String,
    title: String,
    details: Object,
  })
  t.match(problem['correlation_id'], /^[0-9a-f]{24}$/)
  t.equal(other.headers['x-correlation-id'], problem['correlation_id'])
})

t.test('bad input is refused with a code that says where', async (t) => {
  const json = { ...bearer, 'content-type': 'application/json' }
  const post = (body: string, headers: Record<string, string> = json) =>
    raw({ method: 'POST', path: '/api/v1/snapshots', headers, body })
  t.match(problemOf(await post('{"paths":"no list"}')), {
    status: 400,
    code: 'VALIDATION_USAGE',
    detail: /body\.paths/,
  })
  t.match(problemOf(await post('{"pathz":[]}')), { code: 'VALIDATION_USAGE', detail: /pathz/ })
  t.match(problemOf(await post('{nonsense')), { status: 400, code: 'VALIDATION_USAGE' })
  t.match(problemOf(await post('paths=1', { ...bearer, 'content-type': 'text/plain' })), { code: 'VALIDATION_FORMAT' })
  const big = JSON.stringify({ paths: ['x'.repeat(1_100_000)] })
  t.match(problemOf(await post(big)), { status: 413, code: 'VALIDATION_LIMIT' })
  t.match(problemOf(await raw({ path: '/api/v1/shards/xyz', headers: bearer })), { code: 'VALIDATION_USAGE' })
  t.match(problemOf(await raw({ path: '/api/v1/jobs?limit=0', headers: bearer })), { code: 'VALIDATION_USAGE' })
  t.match(problemOf(await raw({ path: '/api/v1/jobs?nonsense=1', headers: bearer })), { code: 'VALIDATION_USAGE' })
})

t.test('errors of the services come back to the client as they were', async (t) => {
  const error = await api.local.call('snapshot', { params: { ref: 'nope' } }).catch((thrown: unknown) => thrown)
  t.ok(isPlexiError(error, 'STORAGE_SNAPSHOT_NOT_FOUND'))
  t.match(error, { message: 'no snapshot nope', exitCode: 18, details: { snapshot: 'nope' } })
  await t.rejects(api.remote.call('configValidate', { body: { toml: 'x' } }), { code: 'CONFIG_UNKNOWN_KEY' })
  await t.rejects(api.local.call('inviteAccept', { body: { code: 'plexi1xxxx' } }), { code: 'SECURITY_INVITE' })
})

t.test('a command needs admin, other backups do not', async (t) => {
  const operator = new ApiClient({ host: '127.0.0.1', port: api.port, token: OPERATOR_TOKEN })
  t.match(await operator.call('backup', { body: { paths: ['/a'] } }), { id: job.id })
  const command = { body: { command: { run: 'id' } } }
  await t.rejects(operator.call('backup', command), { code: 'AUTH_FORBIDDEN', details: { reason: /admin/ } })
  t.match(await api.remote.call('backup', command), { id: job.id })
})

t.test('lists by cursor, over many pages', async (t) => {
  const first = await raw({ path: '/api/v1/jobs?limit=2', headers: bearer })
  const page = JSON.parse(first.body) as { items: { id: string }[]; next: string }
  t.strictSame(
    page.items.map(({ id }) => id),
    ['job-0', 'job-1'],
  )
  const second = await raw({ path: `/api/v1/jobs?limit=3&cursor=${page.next}`, headers: bearer })
  t.match(JSON.parse(second.body), { items: [{ id: 'job-2' }, { id: 'job-3' }, { id: 'job-4' }], next: null })
  const stale = Buffer.from('job-99').toString('base64url')
  t.match(problemOf(await raw({ path: `/api/v1/jobs?cursor=${stale}`, headers: bearer })), { code: 'VALIDATION_USAGE' })

  const names: string[] = []
  const entries = api.local.list('snapshotTree', { params: { ref: 'latest' }, query: { recursive: 'true' } })
  for await (const { path } of entries) names.push(path)
  t.equal(names.length, 12_000)
  t.equal(new Set(names).size, 12_000)

  const query = { recursive: 'true', at: 'stuck' }
  const stuck = api.local.list('snapshotTree', { params: { ref: 'latest' }, query })
  await t.rejects(collect(stuck), { code: 'SYSTEM_UNEXPECTED' }, 'a list that does not go on ends')
})

t.test('long work answers 202 with a job; a repeated key does not start a second one', async (t) => {
  const started = () => api.state.calls.filter(([name]) => name === 'backup').length
  const before = started()
  const send = (key: string, path = '/a') =>
    raw({
      method: 'POST',
      path: '/api/v1/snapshots',
      headers: { ...bearer, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ paths: [path] }),
    })
  const [first, again] = await Promise.all([send('key-12345'), send('key-12345')])
  t.equal(first.status, 202)
  t.equal(again.body, first.body)
  t.equal(started(), before + 1)
  t.match(problemOf(await send('key-12345', '/b')), { code: 'VALIDATION_USAGE' })
  t.match(problemOf(await send('x'.repeat(129))), { code: 'VALIDATION_FORMAT' })
  t.equal((await send('k')).status, 202)
  t.equal(started(), before + 2)
  t.match(api.state.calls.find(([name]) => name === 'backup')?.[1], { paths: ['/a'], tags: [], local: false })
})

t.test('octets out and in', async (t) => {
  const parts: Uint8Array[] = []
  for await (const part of api.local.bytes('shardBody', { params: { id: ID } })) parts.push(part)
  t.equal(Buffer.concat(parts).length, 1_048_576)

  const text: Uint8Array[] = []
  const file = api.remote.bytes('snapshotFile', { params: { ref: 'latest' }, query: { at: 'data/a.txt' } })
  for await (const part of file) text.push(part)
  t.equal(Buffer.concat(text).toString(), 'hello\n')

  const middle: Uint8Array[] = []
  const part = { params: { ref: 'latest' }, query: { at: 'data/a.txt', from: '1', length: '3' } }
  for await (const bytes of api.remote.bytes('snapshotFile', part)) middle.push(bytes)
  t.equal(Buffer.concat(middle).toString(), 'ell')

  const tar: Uint8Array[] = []
  const archive = api.remote.bytes('snapshotArchive', { params: { ref: 'latest' }, query: { at: 'data' } })
  for await (const bytes of archive) tar.push(bytes)
  t.equal(Buffer.concat(tar).toString(), 'a tar stream', 'without a known length')

  const broken = api.local.bytes('snapshotFile', { params: { ref: 'latest' }, query: { at: 'broken' } })
  await t.rejects(broken.next(), { code: 'STORAGE_UNRESTORABLE' }, 'fails before the first byte')

  const late = api.local.bytes('snapshotArchive', { params: { ref: 'latest' }, query: { at: 'late' } })
  const all = async (): Promise<void> => {
    for await (const _ of late);
  }
  await t.rejects(all(), { code: 'STORAGE_BROKEN_OFF' }, 'half-way: not whole, and not for want of a daemon')

  const source = Readable.from([Buffer.alloc(3_000_000), Buffer.alloc(1)])
  t.strictSame(await api.local.upload('jobInput', { params: { id: 'job-1' }, source }), { bytes: 3_000_001 })
})

t.test('a reader that has seen enough is no failure', async (t) => {
  const failures: unknown[] = []
  const note = (...told: unknown[]): void => void failures.push(told)
  const own = await startApi({}, { ...silentLogger, warn: note, error: note })
  const archive = own.local.bytes('snapshotArchive', { params: { ref: 'latest' }, query: { at: 'endless' } })
  for await (const part of archive) {
    t.ok(part.length > 0)
    break
  }
  while (!own.state.calls.some(([name]) => name === 'archive left')) await tick()
  await own.close()
  t.strictSame(failures, [])
})

t.test('a broken upload is seen as broken, not as short', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100_000)
    while (!api.state.calls.some(([name, id]) => name === 'input began' && id === 'job-broken')) await tick()
    throw new PlexiError('STORAGE_SOURCE_UNREADABLE', { path: 'stdin', reason: 'gone' })
  }
  await t.rejects(api.local.upload('jobInput', { params: { id: 'job-broken' }, source: failing() }), {
    code: 'STORAGE_SOURCE_UNREADABLE',
  })
  while (!api.state.calls.some(([name]) => name === 'input broke')) await tick()
  t.notOk(api.state.calls.some(([name, what]) => name === 'input' && (what as { bytes: number }).bytes === 100_000))
})

t.test('metrics and OpenAPI', async (t) => {
  t.equal(await api.local.text('metrics'), 'plexi_up 1\n')
  const document = await api.local.call('openapi', {})
  t.match(document, { openapi: '3.1.0', paths: Object })
  const documented = Object.keys(document['paths'] as Record<string, unknown>)
  for (const { path, kind } of Object.values(paths)) {
    if (kind !== 'socket') t.ok(documented.includes(`/api/v1${path.replace(/:(\w+)/g, '{$1}')}`), path)
  }
})

t.test('every read of the contract answers by its schema', async (t) => {
  for (const name of ['healthReady', 'node', 'config', 'network', 'hosting', 'identity', 'identityKit'] as const)
    t.ok(await api.local.call(name, {}), name)
  for (const name of ['shard', 'shardVerify', 'shardHolders'] as const)
    t.match(await api.local.call(name, { params: { id: ID } }), { id: ID }, name)
  t.match(await api.local.call('job', { params: { id: job.id } }), { id: job.id })
  t.match(await api.local.call('snapshot', { params: { ref: 'latest' } }), { id: ID })
  t.match(await api.local.call('peer', { params: { id: 'Bob' } }), { name: 'Bob' })
  t.match(await api.local.call('shardProof', { params: { id: ID }, query: { leaf: 3 } }), { leaf: 3, ok: true })
})

t.test('no daemon, a dead socket, a foreign port', async (t) => {
  const nobody = new ApiClient({ socketPath: `${api.socketPath}.none` })
  await t.rejects(nobody.call('status', {}), { code: 'SYSTEM_DAEMON_NOT_RUNNING' })
  const shut = new ApiClient({ host: '127.0.0.1', port: 1, token: 'x' })
  await t.rejects(shut.call('status', {}), { code: 'SYSTEM_DAEMON_NOT_RUNNING' })
})

t.test('TCP is limited, the socket is not', async (t) => {
  const tight = await startApi({ requestsPerMinute: 3 })
  try {
    for (let i = 0; i < 3; i++) await tight.remote.call('status', {})
    await t.rejects(tight.remote.call('status', {}), { code: 'NETWORK_BUSY' })
    for (let i = 0; i < 5; i++) await tight.local.call('status', {})
  } finally {
    await tight.close()
  }
})

t.test('a socket file left by a killed daemon is replaced, any other file is not touched', async (t) => {
  const other = await startApi()
  const again = await startApi({ socketPath: other.socketPath, port: null })
  t.strictSame(await again.local.call('healthLive', {}).catch(() => 'wrong path'), 'wrong path')
  t.ok(await new ApiClient({ socketPath: other.socketPath }).call('healthLive', {}))
  await again.close()
  await other.close()
})

t.test('stops', () => api.close())

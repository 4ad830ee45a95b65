/** Events over WebSocket: hello, jobs to their end, refusals, and that nobody is followed after they left. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { WebSocket } from 'ws'
import type { SocketFrame } from '../../src/api/index.ts'
import { startApi, TOKEN, type ApiFixture } from './api-fixture.ts'
import { summary } from './fake-services.ts'

let api: ApiFixture
t.before(async () => {
  api = await startApi({ helloTimeoutMs: 200 })
})

/** Opens a socket as a stranger would, sends `hello` and collects what comes until it is closed. */
async function talk(headers: Record<string, string>, hello: unknown): Promise<SocketFrame[] | string> {
  const socket = new WebSocket(`ws://127.0.0.1:${String(api.port)}/api/v1/events/ws`, { headers })
  const frames: SocketFrame[] = []
  return new Promise((resolve) => {
    socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as SocketFrame))
    socket.on('open', () => {
      if (hello !== undefined) socket.send(typeof hello === 'string' ? hello : JSON.stringify(hello))
    })
    socket.on('error', (error) => {
      resolve(error.message)
    })
    socket.on('close', () => {
      resolve(frames)
    })
  })
}

t.test('a job is followed to its end, from where the reader was', async (t) => {
  const progress = {
    type: 'progress',
    phase: 'reading',
    files: 1,
    filesTotal: null,
    bytes: 5,
    bytesTotal: null,
  } as const
  api.state.jobEvents = [progress, { ...progress, files: 2 }, { type: 'summary', ...summary }]
  const frames: SocketFrame[] = []
  for await (const frame of api.local.follow({ job: 'job-1', since: 1 }, new AbortController().signal))
    frames.push(frame)
  t.match(frames, [
    { type: 'job', seq: 2, event: { type: 'progress', files: 2 } },
    { type: 'job', seq: 3, event: { type: 'summary', files: summary.files } },
    { type: 'end', job: { id: 'job-1', state: 'done' } },
  ])
})

t.test('events of the daemon', async (t) => {
  const frames: SocketFrame[] = []
  for await (const frame of api.remote.follow({ since: 2 }, new AbortController().signal)) frames.push(frame)
  t.match(frames, [
    { type: 'event', event: { seq: 3 } },
    { type: 'end', job: null },
  ])
})

t.test('TCP says its token in the header or in the first frame', async (t) => {
  const isProblem = (code: string) => [{ type: 'problem', problem: { code } }]
  t.match(await talk({}, { token: TOKEN, since: 3 }), [{ type: 'end' }])
  t.match(await talk({ authorization: `Bearer ${TOKEN}` }, { since: 3 }), [{ type: 'end' }])
  t.match(await talk({}, { since: 0 }), isProblem('AUTH_TOKEN_INVALID'))
  t.match(await talk({}, { token: 'wrong' }), isProblem('AUTH_TOKEN_INVALID'))
  t.match(await talk({ authorization: 'Bearer wrong' }, {}), 'Unexpected server response: 401')
  t.match(await talk({}, 'no json'), isProblem('VALIDATION_FORMAT'))
  t.match(await talk({}, { token: TOKEN, nonsense: 1 }), isProblem('VALIDATION_FORMAT'))
  t.match(await talk({}, undefined), isProblem('AUTH_TOKEN_REQUIRED'), 'silence is not waited for')
  t.match(await talk({}, { token: TOKEN, job: 'nope' }), isProblem('SYSTEM_JOB_NOT_FOUND'))
})

t.test('foreign pages get no socket', async (t) => {
  t.equal(await talk({ origin: 'http://evil.example' }, { token: TOKEN }), 'Unexpected server response: 403')
  t.equal(await talk({ host: 'evil.example' }, { token: TOKEN }), 'Unexpected server response: 403')
})

t.test('who leaves is no longer served', async (t) => {
  api.state.jobStaysOpen = true
  const leave = new AbortController()
  const reading = (async () => {
    for await (const frame of api.local.follow({ job: 'job-1' }, leave.signal))
      if (frame.type === 'job' && frame.event.type === 'summary') leave.abort(new Error('enough'))
  })()
  await t.rejects(reading, { message: 'enough' })
  while (!api.state.calls.some(([name]) => name === 'follow ended')) await new Promise((done) => setTimeout(done, 5))
  t.pass('the service saw its reader go')
})

t.test('stopping the daemon ends open sockets', async (t) => {
  const other = await startApi()
  other.state.jobStaysOpen = true
  const reading = (async () => {
    for await (const frame of other.local.follow({ job: 'job-1' }, new AbortController().signal))
      if (frame.type === 'job') void other.close()
  })()
  await t.rejects(reading, { code: 'SYSTEM_DAEMON_NOT_RUNNING' })
})

t.test('a server that stops while a socket is being opened does not wait for it', async (t) => {
  const request = 'GET /api/v1/events/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  const rest = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  for (const turns of [undefined, 0, 1, 2, 3, 5, 8]) {
    const other = await startApi({ stopTimeoutMs: 50 })
    const socket = connect(other.socketPath)
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    socket.write(request)
    if (turns !== undefined) socket.write(rest)
    for (let i = 0; i < (turns ?? 2); i++) await nextTurn()
    // Also by a reset, which `once` would take for a failure.
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const stopped = other.close()
    if (turns === undefined) socket.write(rest)
    await Promise.all([stopped, closed])
    t.pass(`stopped ${turns === undefined ? 'before the request was whole' : `${String(turns)} turns after it`}`)
  }
})

t.test('stops', () => api.close())

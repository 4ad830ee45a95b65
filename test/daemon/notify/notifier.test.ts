/** Delivery to a real HTTP receiver and real programs; retries in virtual time. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/base/clock.ts'
import type { Logger } from '../../../src/base/log.ts'
import { jobMigrations, openJobsDatabase } from '../../../src/daemon/jobs/database.ts'
import { Notifier } from '../../../src/daemon/notify/notifier.ts'
import { notifyDefaults } from '../../../src/daemon/notify/options.ts'
import { MAX_WAITING, TargetStore } from '../../../src/daemon/notify/target-store.ts'
import { shownUrl, webhookUrl } from '../../../src/daemon/notify/webhook.ts'
import { NotificationDesk } from '../../../src/daemon/services/notifications.ts'
import { httpPost, runProgram } from '../../../src/daemon/system/outside.ts'
import { systemClock, systemDisk, systemRandom } from '../../../src/daemon/system/index.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const migrations = await jobMigrations(systemDisk)
const alarm = { code: 'STORAGE_PARTIAL', since: '2026-01-01T00:00:00.000Z', text: 'something', remedy: 'do' }
const raised = { type: 'alarm.raised', alarm } as const

interface Got {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly path: string
}

async function receiver(t: Test, answer: (response: ServerResponse, count: number) => void) {
  const got: Got[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      got.push({ headers: request.headers, body: Buffer.concat(pieces).toString(), path: request.url ?? '' })
      answer(response, got.length)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { got, url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/secret-path` }
}

async function world(t: Test, given: { clock?: VirtualClock; webhookTimeoutMs?: number } = {}) {
  const database = await openJobsDatabase(systemDisk, join(t.testdir(), 'jobs.db'), migrations)
  const store = new TargetStore(database)
  const clock = given.clock ?? systemClock
  const logged: string[] = []
  const write = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields)}`)
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log }
  let running: Notifier | undefined
  const start = async (): Promise<Notifier> => {
    await running?.stop()
    running = new Notifier(
      {
        ...notifyDefaults,
        ...(given.webhookTimeoutMs === undefined ? {} : { webhookTimeoutMs: given.webhookTimeoutMs }),
      },
      {
        ...{ store, clock, random: systemRandom, log, post: httpPost, run: runProgram, changed: () => undefined },
        sender: () => ({ device: 'laptop', vault: 'ab' }),
      },
    )
    await running.start()
    return running
  }
  t.teardown(async () => {
    await running?.stop()
    database.close()
  })
  const notifier = { test: async (name: string, signal: AbortSignal) => (await start()).test(name, signal) }
  return { store, logged, start, desk: new NotificationDesk({ targets: store, notifier, clock, random: systemRandom }) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

t.test('a signed POST; only what is wanted; secrets stay secret', async (t) => {
  const { got, url } = await receiver(t, (response) => response.writeHead(204).end())
  const { store, desk, start, logged } = await world(t)
  const made = await desk.addWebhook({ name: 'ops', url, wants: 'alarms' })
  t.match(made.secret, /^[\w-]{43}$/)
  const notifier = await start()
  notifier.tell({ type: 'run.ended', schedule: 's', source: 'x', run: {} as never })
  notifier.tell(raised)
  await until(() => store.waiting('ops') === 0)
  t.equal(got.length, 1, 'runs were not asked for')
  const { headers, body, path } = got[0]!
  t.equal(path, '/secret-path')
  t.match(JSON.parse(body), { v: 1, id: /^[0-9a-f]{16}$/, device: 'laptop', type: 'alarm.raised', alarm })
  t.match(headers, { 'x-plexichat-event': 'alarm.raised', 'x-plexichat-delivery': /./, 'content-type': /json/ })
  const [, seconds = '', mac] = /^t=(\d+),v1=(\w+)$/.exec(String(headers['x-plexichat-signature'])) ?? []
  t.equal(createHmac('sha256', made.secret).update(`${seconds}.${body}`).digest('hex'), mac)
  const shown = JSON.stringify(desk.list()) + logged.join('')
  t.notMatch(shown, made.secret)
  t.notMatch(shown, 'secret-path')
  t.match(desk.list(), [
    { name: 'ops', address: /^http:\/\/127\.0\.0\.1:\d+\/…$/, lastDelivered: /./, lastError: null },
  ])
})

t.test('a receiver that fails gets it later, in order, with growing pauses, over a restart', async (t) => {
  const clock = new VirtualClock()
  const { got, url } = await receiver(t, (response, count) => response.writeHead(count <= 3 ? 503 : 200).end())
  const { store, desk, start } = await world(t, { clock })
  await desk.addWebhook({ name: 'ops', url, wants: 'all' })
  let notifier = await start()
  notifier.tell(raised)
  notifier.tell({ ...raised, type: 'alarm.cleared' })
  const attempts = async (count: number): Promise<void> => {
    await until(() => got.length >= count)
    await until(() => store.get('ops').failed !== null || store.waiting('ops') === 0)
  }
  await attempts(1)
  await clock.advance(10 * SECOND)
  t.equal(got.length, 1, 'not at once')
  await clock.advance(MINUTE)
  await attempts(2)
  t.same(notifier.conditions(), [], 'two failures are no alarm')
  notifier = await start()
  await clock.advance(3 * MINUTE)
  await attempts(3)
  await until(() => notifier.conditions().length > 0)
  t.match(notifier.conditions(), [{ code: 'SYSTEM_NOTIFY_FAILED', about: 'ops', details: { reason: 'HTTP 503' } }])
  await clock.advance(9 * MINUTE)
  await until(() => store.waiting('ops') === 0)
  t.same(
    got.map(({ headers }) => headers['x-plexichat-event']),
    ['alarm.raised', 'alarm.raised', 'alarm.raised', 'alarm.raised', 'alarm.cleared'],
  )
  t.equal(new Set(got.slice(0, 4).map(({ headers }) => headers['x-plexichat-delivery'])).size, 1, 'the same id')
  t.same(notifier.conditions(), [])
})

t.test('bounded: attempts, queue, targets; a clock set back does not silence it', async (t) => {
  const clock = new VirtualClock()
  const { got, url } = await receiver(t, (response) => response.writeHead(500).end())
  const { store, desk, start } = await world(t, { clock })
  await desk.addWebhook({ name: 'ops', url, wants: 'all' })
  store.queue({ id: 'far', target: 'ops', body: JSON.stringify(raised), created: clock.now() + 3_650 * DAY })
  const notifier = await start()
  const attempts = (): number => store.heads()[0]?.attempts ?? notifyDefaults.attempts
  await until(() => attempts() >= 1)
  t.equal(got.length, 1, 'at once, though it is due in ten years')
  while (store.waiting('ops') > 0) {
    const before = attempts()
    // Its time-out is a virtual one: it may pass before the receiver has answered.
    await clock.advance(7 * HOUR)
    await until(() => attempts() > before)
  }
  t.ok(got.length <= notifyDefaults.attempts)
  t.equal(store.waiting('ops'), 0, 'given up')
  t.match(notifier.conditions(), [{ code: 'SYSTEM_NOTIFY_FAILED' }])
  await notifier.stop()
  for (let i = 0; i < MAX_WAITING + 10; i++) notifier.tell(raised)
  t.equal(store.waiting('ops'), MAX_WAITING)
  for (let i = 1; i < notifyDefaults.maxTargets; i++)
    await desk.addWebhook({ name: `t${String(i)}`, url, wants: 'all' })
  await t.rejects(desk.addWebhook({ name: 'more', url, wants: 'all' }), { code: 'VALIDATION_LIMIT' })
})

t.test('a full disk is told although nothing can be queued; what was taken is not sent again', async (t) => {
  const clock = new VirtualClock()
  const { got, url } = await receiver(t, (response) => response.writeHead(204).end())
  const { store, desk, start } = await world(t, { clock })
  await desk.addWebhook({ name: 'ops', url, wants: 'all' })
  const notifier = await start()
  const full = (): never => {
    throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
  }
  const { queue, delivered } = store
  store.queue = full
  notifier.tell(raised)
  await until(() => got.length === 1)
  store.queue = queue
  store.delivered = full
  notifier.tell({ ...raised, type: 'alarm.cleared' })
  await until(() => got.length === 2)
  await clock.advance(MINUTE)
  store.delivered = delivered
  while (store.waiting('ops') > 0) await clock.advance(SECOND)
  t.same(
    got.map(({ headers }) => headers['x-plexichat-event']),
    ['alarm.raised', 'alarm.cleared'],
  )
})

t.test('redirects are refused, silence ends, nobody there is told apart', async (t) => {
  const other = await receiver(t, (response) => response.writeHead(200).end())
  const { url } = await receiver(t, (response) => response.writeHead(307, { location: other.url }).end())
  const { desk } = await world(t)
  await desk.addWebhook({ name: 'moved', url, wants: 'all' })
  const signal = new AbortController().signal
  t.same(await desk.test('moved', signal), { name: 'moved', ok: false, text: 'HTTP 307: redirects are not followed' })
  t.equal(other.got.length, 0)
  await desk.addWebhook({ name: 'fine', url: other.url, wants: 'runs' })
  t.match(await desk.test('fine', signal), { ok: true })
  await desk.addWebhook({ name: 'gone', url: 'http://127.0.0.1:1/x', wants: 'all' })
  t.match(await desk.test('gone', signal), { ok: false, text: /^it could not be reached/ })
  await t.rejects(desk.test('nobody', signal), { code: 'STORAGE_NOT_FOUND' })
})

t.test('silence', async (t) => {
  const { url } = await receiver(t, () => undefined)
  const { desk } = await world(t, { webhookTimeoutMs: 200 })
  await desk.addWebhook({ name: 'mute', url, wants: 'all' })
  t.same(await desk.test('mute', new AbortController().signal), { name: 'mute', ok: false, text: 'no answer in 0.2 s' })
})

t.test('only http and https, no passwords; paths are not shown', async (t) => {
  for (const bad of ['ftp://x/', 'file:///etc/passwd', 'javascript:1', 'nonsense', 'http://', 'http://u:p@host/'])
    t.throws(() => webhookUrl(bad), { code: 'NETWORK_ADDRESS' }, bad)
  t.equal(webhookUrl('https://Example.org/a#b').href, 'https://example.org/a')
  t.equal(shownUrl('https://example.org/hooks/T0/B1?token=x'), 'https://example.org/…')
  t.equal(shownUrl('https://example.org/'), 'https://example.org')
})

t.test('a program gets it on standard input, its arguments as they are, nothing through a shell', async (t) => {
  const { desk, store, start } = await world(t)
  const folder = t.testdirName
  const program = join(folder, 'tell')
  const out = join(folder, 'out')
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$1" "$PLEXICHAT_PASSPHRASE_FILE" > "$2"\ncat >> "$2"\n`)
  chmodSync(program, 0o755)
  process.env['PLEXICHAT_PASSPHRASE_FILE'] = '/secret'
  t.teardown(() => delete process.env['PLEXICHAT_PASSPHRASE_FILE'])
  const argument = `$(touch ${join(folder, 'owned')}); "quoted" *`
  const shown = await desk.addCommand({ name: 'mail', command: [program, argument, out], wants: 'all' })
  t.equal(shown.address, program, 'arguments may be secrets')
  ;(await start()).tell(raised)
  await until(() => store.waiting('mail') === 0)
  const [first, env, message] = readFileSync(out, 'utf8').split('\n')
  t.equal(first, argument)
  t.equal(env, '', 'what is ours alone is not passed on')
  t.match(JSON.parse(message ?? ''), { type: 'alarm.raised', alarm })
  t.notOk(existsSync(join(folder, 'owned')))

  const signal = new AbortController().signal
  await desk.addCommand({ name: 'bad', command: ['/bin/false'], wants: 'all' })
  t.match(await desk.test('bad', signal), { ok: false, text: 'it ended with code 1' })
  await desk.addCommand({ name: 'none', command: [join(folder, 'none')], wants: 'all' })
  t.match(await desk.test('none', signal), { ok: false, text: 'it could not be reached: ENOENT' })
  await t.rejects(desk.addCommand({ name: 'rel', command: ['mail'], wants: 'all' }), { code: 'VALIDATION_USAGE' })
  await t.rejects(desk.addCommand({ name: 'bad', command: ['/bin/true'], wants: 'all' }), { code: 'STORAGE_EXISTS' })
})

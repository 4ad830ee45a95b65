/** A whole daemon that backs up by itself: source, schedule, run, alarm, and the webhook that is told. */
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { endOf, eventually, Homes } from './homes.ts'

t.test('a schedule fires a real backup, its result is kept and told, all of it after a restart', async (t) => {
  const homes = new Homes(t)
  const data = join(homes.root, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'a.txt'), 'hello')
  const got: { type: string; run?: { state: string; snapshot: string }; signature: string; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      const signature = String(request.headers['x-plexichat-signature'])
      got.push({ ...(JSON.parse(body) as { type: string }), body, signature })
      response.writeHead(204).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())

  await homes.init('ann')
  await homes.start('ann')
  const ann = homes.client('ann')
  await ann.call('sourceAdd', { body: { name: 'home', paths: [data], tags: ['daily'] } })
  await t.rejects(ann.call('sourceAdd', { body: { name: 'home', paths: [data] } }), { code: 'STORAGE_EXISTS' })
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hook`
  const { secret } = await ann.call('webhookAdd', { body: { name: 'ops', url, wants: 'all' } })
  const bad = { source: 'home', cron: '61 * * * *' }
  await t.rejects(ann.call('scheduleAdd', { body: bad }), { code: 'VALIDATION_USAGE', message: /minute: 61/ })
  const made = await ann.call('scheduleAdd', { body: { source: 'home', cron: '0 3 * * *', zone: 'UTC' } })

  const estimate = await endOf(ann, await ann.call('sourceEstimate', { params: { id: 'home' } }))
  t.match(estimate, { type: 'summary', snapshot: null, files: 1 })

  // While it is down its time passes: as if the machine had slept through many of them.
  await homes.stop('ann')
  const database = new Database(homes.paths('ann').jobsDb)
  database.prepare('UPDATE schedules SET planned = 1, slot = 1000, due = 1000').run()
  database.close()
  await homes.start('ann')
  const detail = await eventually(async () => {
    const found = await ann.call('schedule', { params: { id: made.id } })
    return found.lastRun?.state === 'ok' ? found : undefined
  })
  t.equal(detail.runs.length, 1, 'missed many times, made up for once')
  t.ok(Date.parse(detail.nextRun ?? '') > Date.parse(detail.lastRun?.begun ?? ''))
  const snapshots = await ann.call('snapshot', { params: { ref: 'latest' }, query: { name: 'home' } })
  t.match(snapshots, { id: detail.lastRun?.snapshot, tags: ['daily'], files: 1 })
  t.match(await ann.call('source', { params: { id: 'home' } }), { lastSnapshot: snapshots.id, schedules: 1 })

  const told = await eventually(async () => got.find(({ type }) => type === 'run.ended'))
  t.match(told.run, { state: 'ok', snapshot: snapshots.id })
  const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(told.signature) ?? []
  t.equal(createHmac('sha256', secret).update(`${time}.${told.body}`).digest('hex'), mac)

  // By hand, under its name alone; by the schedule, whatever its plan.
  const job = await ann.call('backup', { body: { source: 'home', local: true } })
  t.match(await endOf(ann, job), { type: 'summary', files: 1 })
  await ann.call('scheduleRun', { params: { id: made.id } })
  await eventually(async () => {
    const { runs } = await ann.call('schedule', { params: { id: made.id } })
    return runs.length === 2 && runs[0]?.state === 'ok' ? runs : undefined
  })

  // What cannot be read any more fails the run and raises an alarm; the source's own policy decides when one is overdue.
  await ann.call('sourceAdd', { body: { name: 'home', paths: [join(homes.root, 'gone')], replace: true } })
  await ann.call('scheduleRun', { params: { id: made.id } })
  const failed = await eventually(async () => {
    const { alarms } = await ann.call('status', {})
    return alarms.find(({ code }) => code === 'STORAGE_BACKUP_FAILED')
  })
  t.match(failed, { about: 'home', text: /scheduled backup of home failed/, remedy: 'plexichat schedule ls' })
  await ann.call('policySet', { params: { scope: 'home' }, body: { backupEveryMs: 1 } })
  const overdue = await eventually(async () =>
    (await ann.call('status', {})).alarms.find(({ code }) => code === 'STORAGE_BACKUP_OVERDUE'),
  )
  await eventually(async () => got.find(({ body }) => body.includes('alarm.raised') && body.includes('OVERDUE')))

  await homes.stop('ann')
  await homes.start('ann')
  const again = (await ann.call('status', {})).alarms.find(({ code }) => code === 'STORAGE_BACKUP_OVERDUE')
  t.equal(again?.since, overdue.since, 'it is the same alarm after a restart')
  await ann.call('policySet', { params: { scope: 'home' }, body: {} })
  await eventually(async () => got.find(({ body }) => body.includes('alarm.cleared') && body.includes('OVERDUE')))
  t.notMatch(JSON.stringify(await Array.fromAsync(ann.list('notifications', {}))), new RegExp(`${secret}|/hook`))
  await ann.call('sourceRemove', { params: { id: 'home' } })
  t.same(await Array.fromAsync(ann.list('schedules', {})), [], 'its schedules go with it')
})

t.test('a full outbox without hosts is told at once, as a note and as an alarm', async (t) => {
  const homes = new Homes(t)
  const data = join(homes.root, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'random'), randomBytes(24 * 2 ** 20))
  await homes.init('ann')
  writeFileSync(homes.paths('ann').config, '[backup]\noutbox = "16MiB"\n')
  await homes.start('ann')
  const ann = homes.client('ann')
  const job = await ann.call('backup', { body: { paths: [data], local: true } })
  for await (const frame of ann.follow({ job: job.id }, AbortSignal.timeout(30_000))) {
    if (frame.type !== 'job' || frame.event.type !== 'note') continue
    t.match(frame.event, { code: 'STORAGE_OUTBOX_FULL', text: /16MiB wait for hosts and there is no host;.*invite/ })
    break
  }
  t.match(await ann.call('job', { params: { id: job.id } }), { state: 'running' }, 'it goes on waiting')
  const alarm = await eventually(async () =>
    (await ann.call('status', {})).alarms.find(({ code }) => code === 'STORAGE_OUTBOX_FULL'),
  )
  t.match(alarm.remedy, /plexichat invite/)
  t.match(await ann.call('jobCancel', { params: { id: job.id } }), { state: 'cancelled' })
})

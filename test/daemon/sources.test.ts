/** Sources beyond paths, through a whole daemon: databases by name and the output of commands. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { endOf, eventually, Homes } from './homes.ts'

t.test('a database in use by name, and the output of a command, come back', async (t) => {
  const homes = new Homes(t)
  await homes.init('anna')
  await homes.start('anna')
  const client = homes.client('anna')
  const file = join(homes.root, 'app.db')
  const database = new Database(file)
  t.teardown(() => database.close())
  database.pragma('journal_mode = WAL')
  database.exec(`CREATE TABLE rows (no INTEGER PRIMARY KEY); INSERT INTO rows VALUES (1), (2), (3)`)

  const saved = await endOf(client, await client.call('backup', { body: { sqlite: [file], local: true, name: 'app' } }))
  t.match(saved, { type: 'summary', files: 1, skipped: [] })
  const to = join(homes.root, 'out')
  await endOf(client, await client.call('snapshotRestore', { params: { ref: 'latest' }, body: { to } }))
  const restored = new Database(join(to, 'app.db'), { readonly: true })
  t.same(restored.prepare('SELECT count(*) FROM rows').pluck().get(), 3)
  restored.close()

  writeFileSync(join(homes.root, 'text'), 'not a database')
  const none = await client.call('backup', { body: { sqlite: [join(homes.root, 'text')], local: true } })
  t.match(await endOf(client, none), { type: 'error', code: 'STORAGE_SOURCE_UNREADABLE' })

  const command = {
    run: 'echo told >&2; printf "dump of %s" "$(basename "$PWD")"',
    directory: homes.root,
    as: 'dump.sql',
  }
  const dumped = await client.call('backup', { body: { command, local: true } })
  t.equal(dumped.wantsInput, false)
  t.match(await endOf(client, dumped), { type: 'summary', files: 1 })
  await endOf(client, await client.call('snapshotRestore', { params: { ref: 'latest' }, body: { to } }))
  t.equal(readFileSync(join(to, 'dump.sql'), 'utf8'), `dump of ${homes.root.split('/').at(-1)}`)

  await client.call('sourceAdd', { body: { name: 'nightly', command: { run: 'echo night' } } })
  const nightly = await client.call('backup', { body: { source: 'nightly', local: true } })
  t.match(await endOf(client, nightly), { type: 'summary', bytes: 6 })
  await t.rejects(client.call('backup', { body: { paths: [file], command } }), { code: 'VALIDATION_USAGE' })
})

t.test('a command that fails makes no snapshot; one that is cancelled ends', async (t) => {
  const homes = new Homes(t)
  await homes.init('anna')
  await homes.start('anna')
  const client = homes.client('anna')
  const failed = await client.call('backup', {
    body: { command: { run: 'echo half; echo broken >&2; exit 4' }, local: true },
  })
  t.match(await endOf(client, failed), {
    type: 'error',
    code: 'STORAGE_COMMAND_FAILED',
    message: /exit code 4: broken/,
  })
  t.equal((await client.call('status', {})).snapshots, 0)

  const mark = join(homes.root, 'runs')
  const run = `touch '${mark}'; echo $$ > '${mark}.pid'; exec sleep 1000`
  const long = await client.call('backup', { body: { command: { run } } })
  await eventually(async () =>
    existsSync(`${mark}.pid`) && readFileSync(`${mark}.pid`, 'utf8') !== '' ? true : undefined,
  )
  const pid = readFileSync(`${mark}.pid`, 'utf8').trim()
  await client.call('jobCancel', { params: { id: long.id } })
  t.match(await endOf(client, long), { type: 'error', code: 'SYSTEM_INTERRUPTED' })
  await eventually(async () =>
    execFileSync('ps', ['-A', '-o', 'pid='], { encoding: 'utf8' }).split(/\s+/).includes(pid) ? undefined : true,
  )
})

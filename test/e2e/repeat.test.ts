/** Backing up again: nothing new costs nothing; small changes do not cost stripes. */
import t from 'tap'
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { hostedBytes, TestCircle } from '../support/circle.ts'
import { writeChatExport } from '../../bench/data/chat-export.ts'

const circle = new TestCircle()
t.teardown(() => circle.close())
const DAYS = process.env['PLEXICHAT_TEST_LONG'] === undefined ? 10 : 30
const EXPORT_BYTES = 20_000_000
/** Thirty days may cost twice the first backup again, fewer their part of it. */
const MOST = 1 + DAYS / 15

t.test(`${String(DAYS)} backups of an export that grows by 0.1 % each`, async (t) => {
  await circle.startHosts(8)
  const owner = await circle.startOwner()
  const source = circle.makeFolder('export')
  mkdirSync(source, { recursive: true })
  await writeChatExport(source, { bytes: EXPORT_BYTES, files: 10, seed: 7 })
  await circle.json(['backup', source], owner.home)
  const first = hostedBytes(circle.hosts)

  const unchanged = await circle.json(['backup', source], owner.home)
  t.equal(unchanged['newShards'], 0, 'no new shard')
  t.ok(Number(unchanged['storedBytes']) <= 64 * 1024, `${String(unchanged['storedBytes'])} bytes of metadata`)
  t.ok(hostedBytes(circle.hosts) - first <= 64 * 1024 * circle.hosts.length)

  for (let day = 0; day < DAYS; day++) {
    appendFileSync(join(source, `channel-00${String(day % 10)}.ndjson`), dailyMessages(day, EXPORT_BYTES / 1000))
    await circle.json(['backup', source], owner.home)
  }
  const last = hostedBytes(circle.hosts)
  t.ok(last <= MOST * first, `${String(last)} bytes after ${String(DAYS)} days, ${String(first)} after the first`)
  const { snapshots } = (await circle.json(['snapshots'], owner.home)) as unknown as { snapshots: unknown[] }
  t.equal(snapshots.length, DAYS + 2)
  const target = circle.makeFolder('restored')
  await circle.json(['restore', 'latest', '--to', target], owner.home)
  t.same((await compareRestored([source], target)).differences, [])
})

function dailyMessages(day: number, bytes: number): string {
  let text = ''
  for (let i = 0; text.length < bytes; i++) {
    text += `${JSON.stringify({ day, i, user: `U${String((day * 31 + i * 17) % 180)}`, text: `message ${String(i * day)} of the day, ${String((i * 2654435761) % 1e9)}` })}\n`
  }
  return text.slice(0, bytes)
}

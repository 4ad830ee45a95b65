/**
 * SIGKILL of the owner's daemon at random moments of a backup and of a restore, real processes: the rerun completes,
 * nothing receipted is lost or sent twice, no orphan file stays. Five kills here, fifty in the long suite.
 */
import t from 'tap'
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { hostedShards, TestCircle } from '../support/circle.ts'

const KILLS = process.env['PLEXICHAT_TEST_LONG'] === undefined ? 5 : 50
const MEBIBYTES = 8
/** A backup of that size takes a second or two: moments are drawn from all of it and a little more. */
const LONGEST_MS = 2_500

const circle = new TestCircle()
t.teardown(() => circle.close())

t.test(`${String(KILLS)} kills during backups and restores`, async (t) => {
  await circle.startHosts(3)
  let owner = await circle.startOwner()
  const source = circle.makeFolder('source')
  let duringWork = 0
  for (let i = 0; i < KILLS; i++) {
    const restoring = i % 2 === 1
    if (!restoring) writeFileSync(join(source, `file-${String(i % 3)}`), randomBytes(MEBIBYTES * 1024 * 1024))
    const target = circle.makeFolder(`restored-${String(i)}`)
    const args = restoring ? ['restore', 'latest', '--to', target] : ['backup', source]
    const work = circle.run([...args, '--json'], owner.home)
    await new Promise((resolve) => setTimeout(resolve, randomInt(LONGEST_MS)))
    const before = acknowledged()
    await owner.kill()
    if ((await work).code !== 0) duringWork++
    owner = await circle.daemon(owner.home)

    const again = await circle.json(args, owner.home)
    if (!restoring) t.match(again, { queued: 0, skipped: [] }, 'the rerun completes')
    const after = acknowledged()
    t.ok(
      [...before].every((shard) => after.has(shard)),
      'what hosts had signed for is still there',
    )
    if (restoring) t.same((await compareRestored([source], target)).differences, [], 'the tree comes back as it is')
    t.same(readdirSync(join(owner.home, 'outbox')), [], 'no orphan in the outbox')
    t.same(leftOvers(target), [], 'no orphan of the restore')
  }
  t.comment(`${String(duringWork)} of ${String(KILLS)} kills hit running work`)
  t.ok(duringWork >= 1)
  const verify = await circle.json(['verify', '--read-data'], owner.home)
  t.match(verify, { ok: true, bad: [] })
  for (const host of circle.hosts) {
    const names = hostedShards(host.home).map((path) => basename(path))
    t.equal(new Set(names).size, names.length, 'no host holds a shard twice')
    t.equal(await received(host.home), names.length, 'no host was sent a shard twice')
    t.same(leftOvers(join(host.home, 'hosted')), [], 'no orphan at hosts')
    t.same(readdirSync(join(host.home, 'hosted', 'incoming')), [], 'nothing half received')
  }
})

/** Bodies of shards a host has stored since it was started. */
async function received(home: string): Promise<number> {
  const { metrics } = await circle.json(['metrics'], home)
  return Number(/^plexi_shards_stored_total (\d+)$/m.exec(String(metrics))?.[1])
}

function acknowledged(): Set<string> {
  return new Set(circle.hosts.flatMap(({ home }) => (existsSync(join(home, 'hosted')) ? hostedShards(home) : [])))
}

/** Files that only exist while something is being written. */
function leftOvers(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(tmp|part|staging)$|\.plexichat-/.test(name),
  )
}

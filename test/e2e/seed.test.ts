/** A disk carried to a friend: what it brought never crosses the network. */
import t from 'tap'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { noise } from '../support/source-tree.ts'
import { hostedShards, LOOPBACK, TestCircle } from '../support/circle.ts'

const circle = new TestCircle()
t.teardown(() => circle.close())

const SHARDS = 5

t.test('seed, carry, adopt: the owner gets its receipts and sends nothing again', async (t) => {
  await circle.startHosts(1)
  const [host] = circle.hosts
  if (host === undefined) throw new Error('no host')
  const owner = await circle.startOwner()
  const source = circle.makeFolder('source')
  writeFileSync(join(source, 'small'), noise('small', 900_000))
  await circle.json(['backup', source], owner.home)
  const before = hostedShards(host.home).length
  t.ok(before > 0, 'they know each other')

  await host.stop()
  for (let i = 0; i < SHARDS; i++)
    writeFileSync(join(source, `large-${String(i)}`), noise(`large ${String(i)}`, 1_000_000))
  await circle.json(['backup', '--local', source], owner.home)
  const disk = circle.makeFolder('disk')
  const seed = await circle.json(['remote', 'seed', join(disk, 'for-bob'), '--for', host.ready.peerId], owner.home)
  t.match(seed, { peer: host.ready.peerId, left: 0, receipts: 0 })
  t.ok(Number(seed['shards']) >= SHARDS)
  await owner.stop()

  const again = await circle.daemon(host.home, undefined)
  const adopted = await circle.json(['host', 'adopt', join(disk, 'for-bob')], host.home)
  t.match(adopted, { stored: seed['shards'], known: 0, bad: [], receipts: true })
  const files = hostedShards(host.home)
  t.equal(files.length, before + Number(seed['shards']))
  const written = new Map(files.map((file) => [file, statSync(file).ino]))

  const back = await circle.daemon(owner.home, again)
  for (;;) {
    const { queued, alarms } = (await circle.json(['status'], back.home)) as { queued: number; alarms: unknown[] }
    if (queued === 0 && alarms.length === 0) break
  }
  const metrics = (await circle.run(['metrics'], back.home)).stdout
  t.match(metrics, new RegExp(`plexi_shards_placed_total ${String(seed['shards'])}\\b`), 'all of them receipted')
  const now = hostedShards(host.home)
  t.same(
    now.filter((file) => written.has(file) && written.get(file) !== statSync(file).ino),
    [],
    'no file was sent again',
  )
  const target = circle.makeFolder('restored')
  t.match(await circle.json(['restore', 'latest', '--to', target], back.home), { failed: [] })
  t.same((await compareRestored([source], target)).differences, [])
  await back.stop()
})

t.test('a seed is refused by everybody else', async (t) => {
  const home = circle.home('mallory')
  await circle.json(['init', '--name', 'mallory', '--offer', '1GiB'], home)
  const mallory = await circle.processes.daemon(LOOPBACK, { home })
  const refused = await circle.run(['host', 'adopt', join(circle.folder, 'disk/for-bob'), '--json'], home)
  t.equal(refused.code, 15)
  t.match(refused.stderr, /STORAGE_SEED_REFUSED/)
  t.same(hostedShards(home), [])
  await mallory.stop()
})

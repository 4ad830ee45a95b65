/** The disk fails at every change a prune makes, here and in the directory that keeps the shards: run again it ends well. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DirectoryNetwork } from '../../../src/backup/index.ts'
import type { Disk } from '../../../src/base/disk.ts'
import { systemClock, systemDisk } from '../../../src/daemon/system/index.ts'
import { failingBelow } from '../../support/failing-disk.ts'
import { describeTree, noise } from '../../support/source-tree.ts'
import { never, newVault, openEngine, summaryOf, temporaryDirectory } from '../../support/vault.ts'

const options = { shardsPerCommit: 1, maxInlineBytes: 0, maxInlineSegmentBytes: 200 }
const { keys } = newVault()
/** Every change in the long run, every third one else. */
const STEP = process.env['PLEXICHAT_TEST_LONG'] === '1' ? 1 : 3

t.test('a prune cut off at any change of a disk loses nothing and is made up for', async (t) => {
  const dir = await temporaryDirectory(t)
  const source = join(dir, 'source')
  mkdirSync(source)
  const open = (at: string, disk: Disk = systemDisk) => {
    const network = new DirectoryNetwork({ directory: join(dir, at, 'store') }, { disk, clock: systemClock })
    return openEngine({ keys, home: join(dir, at, 'home'), network, options, disk })
  }
  const start = await open('start')
  for (let i = 0; i < 12; i++) writeFileSync(join(source, String(i)), noise(String(i), 200_000))
  await summaryOf(start.backup({ paths: [source] }, never))
  for (let i = 0; i < 12; i++) if (i % 4 !== 0) rmSync(join(source, String(i)))
  writeFileSync(join(source, 'new'), noise('new', 300_000))
  await summaryOf(start.backup({ paths: [source] }, never))
  start.forget({ policy: { keepLast: 1 } })
  await start.close()
  const expected = describeTree(source)
  const shards = (at: string): number =>
    readdirSync(join(dir, at, 'store/shards'), { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
      .length
  const before = shards('start')

  let failed = 0
  for (let failAt = 0, ended = false; !ended; failAt += STEP) {
    cpSync(join(dir, 'start'), join(dir, 'run'), { recursive: true })
    const { disk, changes } = failingBelow(join(dir, 'run'), Infinity)
    // Opening is no change of the prune's own.
    const quiet = await open('run', disk)
    await quiet.close()
    const opening = changes()
    const broken = await open('run', failingBelow(join(dir, 'run'), opening + failAt).disk)
    ended = await summaryOf(broken.prune({}, never)).then(
      ({ freedBytes, waitingStripes }) => freedBytes > 0 && waitingStripes === 0,
      () => false,
    )
    if (!ended) failed++
    await broken.close().catch(() => undefined)

    const engine = await open('run')
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true }, `after ${String(failAt)}`)
    t.match(await summaryOf(engine.prune({}, never)), { waitingStripes: 0, waitingSnapshots: 0 })
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
    t.match(await summaryOf(engine.restore({ snapshot: 'latest', to: join(dir, 'out') }, never)), { failed: [] })
    t.same(describeTree(join(dir, 'out/source')), expected)
    t.ok(shards('run') < before, 'freed in the end')
    t.same(readdirSync(join(dir, 'run/home/outbox')), [], 'no orphan stays')
    await engine.close()
    rmSync(join(dir, 'out'), { recursive: true })
    rmSync(join(dir, 'run'), { recursive: true })
    if (failAt > 60) ended = true
  }
  t.ok(failed >= 4, `${String(failed)} places to fail at`)
})

/** Forgetting and freeing from the command line, with real daemons: what stays is intact, what goes is released. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { TestCircle } from '../support/circle.ts'
import { noise } from '../support/source-tree.ts'

const circle = new TestCircle()
const home = circle.home('owner')
t.teardown(() => circle.close())

t.test('forget, prune, policy, gc', async (t) => {
  await circle.startHosts(3)
  await circle.startOwner('owner')
  const source = circle.makeFolder('source')
  mkdirSync(source, { recursive: true })
  const run = (...args: string[]): Promise<Record<string, unknown>> => circle.json(args, home)
  writeFileSync(join(source, 'stays'), noise('stays', 2_000_000))
  for (const name of ['one', 'two', 'three']) {
    writeFileSync(join(source, 'changes'), noise(name, 3_000_000))
    await run('backup', source, '--name', 'docs')
  }
  const would = await run('forget', '--keep-last', '1', '--name', 'docs', '--dry-run', '--prune')
  t.match(would, { kept: { length: 1 }, removed: { length: 2 }, dryRun: true })
  t.ok(Number(would['freedBytes']) >= 2_000_000, 'an estimate')
  t.match(await run('snapshots'), { snapshots: { length: 3 } })

  t.match(await run('policy', 'set', 'default', '--keep-last', '2'), { policy: { keep: { keepLast: 2 } } })
  const applied = await run('forget', '--policy', 'default')
  t.match(applied, {
    kept: [{ reasons: ['last snapshot'] }, {}],
    removed: { length: 1 },
    freedBytes: 0,
    job: undefined,
  })

  const forgotten = await run('forget', '--keep-last', '1', '--prune')
  t.match(forgotten, { kept: [{ name: 'docs' }], removed: { length: 1 } })
  t.ok(Number(forgotten['freedBytes']) >= 4_000_000, `${String(forgotten['freedBytes'])} bytes freed`)
  t.match(await run('snapshots'), { snapshots: { length: 1 } })
  t.match(await run('prune'), { freedBytes: 0, waitingFor: [], waitingStripes: 0 })
  t.match(await run('gc'), { orphans: 0 })

  t.match(await run('verify', '--read-data'), { ok: true, bad: [] })
  const target = circle.makeFolder('restored')
  await run('restore', 'latest', '--to', target)
  t.same((await compareRestored([source], target)).differences, [])
  rmSync(target, { recursive: true })
})

t.test('what is refused', async (t) => {
  for (const [args, exit, code] of [
    [['forget'], 2, 'VALIDATION_USAGE'],
    [['forget', '--keep-last', '0', '--keep-daily', '0'], 2, 'VALIDATION_USAGE'],
    [['forget', '--keep-tag', 'none'], 2, 'STORAGE_FORGET_ALL'],
    [['forget', 'latest'], 2, 'STORAGE_FORGET_ALL'],
    [['forget', 'ffffffff'], 18, 'STORAGE_SNAPSHOT_NOT_FOUND'],
  ] as const) {
    const ran = await circle.run([...args, '--json'], home)
    t.equal(ran.code, exit, args.join(' '))
    t.match(ran.stderr, code)
  }
})

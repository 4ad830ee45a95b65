/** Promise: every released format opens for ever. Vaults frozen by earlier versions, opened by the engine and without it. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { describeTree } from '../support/source-tree.ts'
import { deviceOf, never, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures')
const program = join(import.meta.dirname, '../../bin/plexichat-open')
const versions = readdirSync(fixtures).filter((name) => /^v\d+$/.test(name))

t.test('there is something frozen, of every version', (t) => {
  const newest = Math.max(0, ...versions.map((name) => Number(name.slice(1))))
  t.ok(newest >= 1)
  t.equal(versions.length, newest, 'none was removed')
  for (const version of versions)
    for (const vault of ['directory', 'stripe']) {
      t.ok(shardsOf(join(fixtures, version, vault)).length > 0, `${version}/${vault} holds shards`)
      t.ok(Object.keys(treesOf(join(fixtures, version, vault))).length > 0)
    }
  t.end()
})

for (const version of versions) {
  const directory = join(fixtures, version, 'directory')

  t.test(`${version}: the engine recovers from the words and restores every snapshot`, async (t) => {
    const dir = await temporaryDirectory(t)
    cpSync(join(directory, 'vault'), join(dir, 'vault'), { recursive: true })
    const network = new DirectoryNetwork({ directory: join(dir, 'vault') }, { disk: systemDisk, clock: systemClock })
    const found = await network.findHeads()
    const bundle = found[0]?.bundle
    if (bundle === undefined) throw new Error('no head')
    const engine = await openEngine({ keys: deviceOf(wordsOf(directory), bundle), home: join(dir, 'home'), network })
    t.teardown(() => engine.close())
    const trees = treesOf(directory)
    t.match(await engine.adopt(found, never), { snapshots: Object.keys(trees).length, alarms: [] })
    for (const { id, name } of engine.snapshots()) {
      const to = join(dir, name)
      t.match(await summaryOf(engine.restore({ snapshot: id, to }, never)), { failed: [] })
      t.same(describeTree(join(to, 'tree')), trees[name], `${name} is what it was`)
    }
    t.match(await summaryOf(engine.verify({ readDataPercent: 100 }, never)), { ok: true, bad: [] })
  })

  t.test(`${version}: plexichat-open restores from the words and a folder`, async (t) => {
    const to = join(await temporaryDirectory(t), 'out')
    open(t, directory, [join(directory, 'vault')], to)
    t.same(describeTree(join(to, 'tree')), treesOf(directory)['second'])
  })

  t.test(`${version}: plexichat-open rebuilds what is lost of a stripe`, async (t) => {
    const vault = join(fixtures, version, 'stripe')
    const to = join(await temporaryDirectory(t), 'out')
    const folders = readdirSync(vault).filter((name) => name.startsWith('vault-'))
    open(
      t,
      vault,
      folders.map((name) => join(vault, name)),
      to,
    )
    t.same(describeTree(join(to, 'tree-of-stripe')), treesOf(vault)['first'])
  })
}

function open(t: Test, vault: string, folders: string[], to: string): void {
  const args = [program, '--phrase-file', join(vault, 'words'), 'restore', ...folders, '--to', to]
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.equal(ran.status, 0, ran.stderr)
}

function wordsOf(vault: string): string {
  return readFileSync(join(vault, 'words'), 'utf8').trim()
}

function treesOf(vault: string): Record<string, string[]> {
  return JSON.parse(readFileSync(join(vault, 'trees.json'), 'utf8')) as Record<string, string[]>
}

function shardsOf(vault: string): string[] {
  if (!existsSync(vault)) return []
  return readdirSync(vault, { recursive: true, encoding: 'utf8' }).filter((name) => /(^|\/)[0-9a-f]{64}$/.test(name))
}

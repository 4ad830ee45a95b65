/** The main job: back up to real hosts, lose machines and the owner's home, bring everything back from 24 words. */
import t from 'tap'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'
import type { DaemonProcess } from '../../src/cli/offline/demo/processes.ts'
import { byDataShards, TestCircle, type ShardLine } from '../support/circle.ts'
import { oddEntries } from '../support/odd-entries.ts'
import { copyModules } from '../support/trees.ts'

const HOSTS = 8
const FILES = process.env['PLEXICHAT_TEST_LONG'] === undefined ? 2_000 : 10_000

const circle = new TestCircle()
t.teardown(() => circle.close())

t.test('n−k hosts and the owner die; the words and one address bring all back, twice', async (t) => {
  await circle.startHosts(HOSTS)
  const owner = await circle.startOwner()
  const source = circle.makeFolder('node_modules')
  const files = copyModules(source, FILES)
  t.ok(files >= FILES, `${String(files)} files`)
  const kinds = await oddEntries(join(source, 'odd'))

  const backup = await circle.json(['backup', source], owner.home)
  t.match(backup, { k: 2, n: 5, queued: 0, skipped: [] }, 'the shape that eight hosts allow, everything placed')
  const status = await circle.json(['status'], owner.home)
  t.match(
    status,
    { protected: 'yes', hosts: { eligible: HOSTS, online: HOSTS } },
    'one bootstrap address found all hosts',
  )

  const { shards } = (await circle.json(['shard', 'ls'], owner.home)) as unknown as { shards: ShardLine[] }
  const [bootstrap, ...others] = circle.hosts
  const victims = [bootstrap as DaemonProcess, ...byDataShards(others, shards)].slice(
    0,
    Number(backup['n']) - Number(backup['k']),
  )
  await Promise.all(victims.map(async (host) => host.kill()))
  await owner.kill()
  rmSync(owner.home, { recursive: true })
  const survivors = circle.hosts.filter((host) => !victims.includes(host))

  for (const [round, via] of [survivors[0], survivors.at(-1)].entries()) {
    if (via === undefined) throw new Error('no survivor')
    const { daemon, result } = await circle.recover(`machine-${String(round)}`, via)
    t.match(result, { snapshots: 1, headSeq: Number }, 'recover tells what it found')
    const target = circle.makeFolder(`restored-${String(round)}`)
    const summary = await circle.json(['restore', 'latest', '--to', target], daemon.home)
    t.match(summary, { files: backup['files'], failed: [] })
    const { differences, files: compared } = await compareRestored([source], target, systemDisk)
    t.same(differences, [], 'content, names, modes, times, links, hard links and attributes are identical')
    t.equal(compared, files + kinds)
    await daemon.kill()
    rmSync(daemon.home, { recursive: true })
  }
})

/** Disks beside the peers: caught up after the fact, away and back, and enough to restore from when every host is gone. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareRestored } from '../../src/cli/offline/demo/compare-trees.ts'
import { noise } from '../support/source-tree.ts'
import { TestCircle } from '../support/circle.ts'

const circle = new TestCircle()
t.teardown(() => circle.close())

interface RemoteLine {
  readonly id: string
  readonly state: string
  readonly complete: boolean
  readonly bytes: number
  readonly missing: number
}

async function remoteWhen(home: string, holds: (remote: RemoteLine) => boolean): Promise<RemoteLine> {
  for (;;) {
    const { remotes } = (await circle.json(['remote', 'ls'], home)) as unknown as { remotes: RemoteLine[] }
    const [remote] = remotes
    if (remote !== undefined && holds(remote)) return remote
  }
}

function writeFiles(folder: string, seed: string): void {
  for (let i = 0; i < 3; i++)
    writeFileSync(join(folder, `${seed}-${String(i)}`), noise(`${seed}${String(i)}`, 1_300_000))
}

t.test('a disk is filled after a backup, goes and comes back, and brings all back without any host', async (t) => {
  await circle.startHosts(4)
  const owner = await circle.startOwner()
  const source = circle.makeFolder('source')
  writeFiles(source, 'first')
  await circle.json(['backup', source], owner.home)
  const before = await circle.json(['status'], owner.home)

  const mount = circle.makeFolder('mount')
  const disk = join(mount, 'copy')
  t.match(await circle.json(['remote', 'add', disk], owner.home), { state: 'present', path: disk })
  const filled = await remoteWhen(owner.home, ({ complete }) => complete)
  t.match(filled, { missing: 0 })
  t.ok(filled.bytes >= 3 * 1024 * 1024)
  const after = await circle.json(['status'], owner.home)
  t.match(after, { safe: before['safe'], protected: before['protected'], remotes: [{ complete: true }] })
  t.match(await circle.json(['remote', 'test', '--all'], owner.home), { ok: true, bad: [] })

  renameSync(disk, circle.home('drawer'))
  mkdirSync(disk)
  await remoteWhen(owner.home, ({ state }) => state === 'absent')
  writeFiles(source, 'second')
  await circle.json(['backup', source], owner.home)
  t.same(readdirSync(disk), [], 'nothing is written where the disk is not')
  rmSync(disk, { recursive: true })
  renameSync(circle.home('drawer'), disk)
  const back = await remoteWhen(owner.home, ({ complete }) => complete)
  t.ok(back.bytes > filled.bytes, 'caught up')

  await Promise.all(circle.hosts.map(async (host) => host.kill()))
  const here = circle.makeFolder('restored-here')
  t.match(await circle.json(['restore', 'latest', '--to', here], owner.home), { files: 6, failed: [] })
  t.same((await compareRestored([source], here)).differences, [])
  await owner.kill()
  rmSync(owner.home, { recursive: true })

  const words = circle.home('words')
  writeFileSync(words, `${circle.phrase}\n`, { mode: 0o600 })
  const machine = circle.home('machine')
  const found = await circle.json(['recover', '--phrase-file', words, '--remote', disk], machine)
  t.match(found, { snapshots: 2 })
  const daemon = await circle.processes.daemon(['--listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0'], {
    home: machine,
  })
  const there = circle.makeFolder('restored-there')
  t.match(await circle.json(['restore', 'latest', '--to', there], daemon.home), { files: 6, failed: [] })
  t.same((await compareRestored([source], there)).differences, [])
  await daemon.kill()

  const opened = join(circle.folder, 'opened')
  const args = ['bin/plexichat-open', '--phrase-file', words, 'restore', disk, '--to', opened]
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.equal(run.status, 0, run.stderr)
  t.same((await compareRestored([source], opened)).differences, [], 'and without PlexiChat')
})

t.test('a vault with a disk alone is one copy', async (t) => {
  const home = circle.home('alone')
  await circle.json(['init', '--name', 'alone', '--offer', '0'], home)
  const daemon = await circle.processes.daemon(['--listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0'], { home })
  const disk = circle.home('only-disk')
  await circle.json(['remote', 'add', disk], home)
  const source = circle.makeFolder('alone-source')
  writeFiles(source, 'alone')
  t.match(await circle.json(['backup', source], home), { queued: 0, safe: 0, k: 1, n: 1 })
  t.match(await circle.json(['status'], home), { protected: 'one-copy', safe: 0, hosts: { eligible: 0 }, alarms: [] })
  const refused = await circle.run(['remote', 'rm', disk, '--json'], home)
  t.equal(refused.code, 2)
  t.match(refused.stderr, /STORAGE_REMOTE_LAST_COPY/)
  await daemon.kill()
})

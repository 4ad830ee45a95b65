import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { homePaths } from '../../src/config/home.ts'
import { runningDaemon, startInBackground, stopInBackground } from '../../src/daemon/background.ts'
import { initHome } from '../../src/daemon/identity/init.ts'
import { sendSignal } from '../../src/daemon/system/process.ts'
import { systemClock, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'

const deps = { disk: systemDisk, clock: systemClock }
const never = new AbortController().signal
const launcher = join(import.meta.dirname, '../../bin/plexichat')
const PASSPHRASE = 'correct horse battery staple'

async function sealedHome(t: Test) {
  const dir = t.testdir({ pass: `${PASSPHRASE}\n`, wrong: 'something else' })
  const paths = homePaths(join(dir, 'home'), {})
  const passphrase = Buffer.from(PASSPHRASE)
  await initHome({ paths, name: 'x', passphrase }, { ...deps, random: systemRandom })
  const up = (file: string) =>
    startInBackground(
      {
        paths,
        command: process.execPath,
        args: [launcher, 'daemon', '--home', paths.root, '--listen', '/ip4/127.0.0.1/tcp/0', '--api-port', '0'],
        env: { PATH: process.env['PATH'], PLEXICHAT_PASSPHRASE_FILE: join(dir, file) },
        timeoutMs: 30_000,
      },
      deps,
      never,
    )
  t.teardown(async () => {
    const daemon = await runningDaemon(paths, deps)
    if (daemon !== undefined) sendSignal(daemon.pid, 'SIGKILL')
  })
  return { paths, up, down: () => stopInBackground({ paths, timeoutMs: 30_000 }, deps, never) }
}

t.test('up, up again, killed, up again, down; no secret in argv or output', { timeout: 90_000 }, async (t) => {
  const { paths, up, down } = await sealedHome(t)
  await t.rejects(down(), { code: 'SYSTEM_DAEMON_NOT_RUNNING', exitCode: 13 })
  await t.rejects(up('wrong'), { code: 'AUTH_PASSPHRASE_WRONG', exitCode: 12 })

  const first = await up('pass')
  t.equal(first.started, true)
  t.match(await up('pass'), { started: false, pid: first.pid })
  if (existsSync('/proc/self/cmdline')) {
    t.notMatch(readFileSync(`/proc/${String(first.pid)}/cmdline`, 'utf8'), PASSPHRASE)
  }

  sendSignal(first.pid, 'SIGKILL')
  while (sendSignal(first.pid, 'SIGTERM')) await systemClock.sleep(10)
  t.ok(existsSync(paths.daemonInfo), 'a killed daemon leaves its files')
  t.equal(await runningDaemon(paths, deps), undefined, 'which nobody believes')
  const second = await up('pass')
  t.not(second.pid, first.pid)
  t.same(await down(), { pid: second.pid })
  t.notOk(existsSync(paths.daemonInfo))
  for (const name of ['daemon.out', 'plexichat.log']) {
    const text = readFileSync(join(paths.logs, name), 'utf8')
    t.ok(text.length > 0, name)
    t.notMatch(text, PASSPHRASE)
    t.notMatch(text, /correct horse|something else/)
  }
})

t.test('on a full disk it has no room to say why it ended', async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  await initHome({ paths, name: 'x' }, { ...deps, random: systemRandom })
  const up = (freeBytes: number) => {
    const disk = { ...systemDisk, space: () => Promise.resolve({ totalBytes: 1_000_000, freeBytes }) }
    const request = { paths, command: process.execPath, args: ['-e', '0', '--'], env: {}, timeoutMs: 30_000 }
    return startInBackground(request, { ...deps, disk }, never)
  }
  await t.rejects(up(0), { code: 'STORAGE_DISK_FULL', message: /home is full: the daemon cannot start/ })
  await t.rejects(up(1_000_000), { code: 'SYSTEM_UNEXPECTED' })
})

t.test('what keeps it from starting is told by code', { timeout: 60_000 }, async (t) => {
  const { paths, up } = await sealedHome(t)
  writeFileSync(paths.config, '[network]\nlitsen = []\n')
  await t.rejects(up('pass'), { code: 'CONFIG_UNKNOWN_KEY', exitCode: 2, message: /network\.listen/ })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { homePaths } from '../../src/config/home.ts'
import { writeDaemonInfo } from '../../src/daemon/daemon-info.ts'
import { prepareHome } from '../../src/daemon/home.ts'
import { lockHome } from '../../src/daemon/lock.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

const src = join(import.meta.dirname, '../../src')

t.test('one at a time; who holds it is named', async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  await prepareHome(systemDisk, paths)
  const lock = await lockHome(systemDisk, paths)
  t.equal(statSync(paths.lock).mode & 0o777, 0o600)
  const info = {
    pid: 4711,
    peerId: 'p',
    vault: 'v',
    addresses: [],
    api: 'http://127.0.0.1:1',
    ready: true,
    startedAt: 'x',
  }
  await writeDaemonInfo(systemDisk, paths, info)
  await t.rejects(lockHome(systemDisk, paths), { code: 'SYSTEM_LOCKED', details: { pid: 4711 } })
  lock.release()
  const again = await lockHome(systemDisk, paths)
  again.release()
})

t.test('a killed holder leaves nothing to clear; of many starters one wins', { timeout: 20_000 }, async (t) => {
  const paths = homePaths(join(t.testdir(), 'home'), {})
  await prepareHome(systemDisk, paths)
  const program = `
    import { lockHome } from '${src}/daemon/lock.ts'
    import { homePaths } from '${src}/config/home.ts'
    import { systemDisk } from '${src}/daemon/system/index.ts'
    try { await lockHome(systemDisk, homePaths(process.argv[1], {})); console.log('won'); setInterval(() => {}, 1000) }
    catch (error) { console.log(error.code); process.exit(0) }`
  const start = async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, paths.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] },
    })
    t.teardown(() => child.kill('SIGKILL'))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, said: line.toString().trim() }
  }
  const starters = await Promise.all([start(), start(), start()])
  t.same(starters.map(({ said }) => said).toSorted(), ['SYSTEM_LOCKED', 'SYSTEM_LOCKED', 'won'])
  const winner = starters.find(({ said }) => said === 'won')?.child
  await t.rejects(lockHome(systemDisk, paths), { code: 'SYSTEM_LOCKED' })
  winner?.kill('SIGKILL')
  await once(winner!, 'exit')
  const lock = await lockHome(systemDisk, paths)
  lock.release()
})

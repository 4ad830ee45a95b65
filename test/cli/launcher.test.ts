/**
 * The launcher under an old Node: it finds the bundled one, and stands aside for terminal, signals and exit codes.
 * Runs with the first Node below 24 of the PATH; where there is none, the tests that need it are skipped by name.
 */
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import t from 'tap'
import { until } from './run-cli.ts'

const root = join(import.meta.dirname, '..', '..')
const launcher = join(root, 'bin', 'plexichat')
const oldNode = findOldNode()
const skip = oldNode === undefined ? 'no Node below 24 on the PATH' : false

function findOldNode(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin']
  return folders
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find(
      (path) => existsSync(path) && Number(spawnSync(path, ['-p', 'process.versions.node.split(".")[0]']).stdout) < 24,
    )
}

function run(node: string, args: string[], env: Record<string, string> = {}) {
  const { stdout, stderr, status } = spawnSync(node, args, { encoding: 'utf8', env: { ...process.env, ...env } })
  return { stdout, stderr, status }
}

let home = ''
t.before(() => {
  home = mkdtempSync(join(tmpdir(), 'plexi-launch-'))
  mkdirSync(join(home, 'identity'))
  mkdirSync(join(home, 'logs'))
  writeFileSync(join(home, 'identity', 'keystore'), '')
  writeFileSync(join(home, 'logs', 'plexichat.log'), '{"level":30,"time":1,"msg":"hello"}\n')
})

t.test('a capable Node runs the program itself, without a word of its own', async (t) => {
  const { stdout, stderr, status } = run(process.execPath, [launcher, 'version', '--json'])
  t.equal(status, 0)
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), { version: String, node: process.version })
})

const full = existsSync('/dev/full') ? false : 'no /dev/full here'
t.test('output that cannot be written is an error of the table, not a trace', { skip: full }, async (t) => {
  const out = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(out))
  const stdio = ['ignore', out, 'pipe'] as const
  const { status, stderr } = spawnSync(process.execPath, [launcher, 'version'], { encoding: 'utf8', stdio: [...stdio] })
  t.equal(status, 1)
  t.match(stderr, /^✗ STORAGE_DISK_FULL: .*\n {2}Why: .*\n {2}Fix: .*\n$/)
})

const unbuilt = existsSync(join(root, 'dist')) ? false : 'nothing is built here: npm run build'
t.test('asked to, it runs what was built from the sources', { skip: unbuilt }, async (t) => {
  const version = (built: string) => run(process.execPath, [launcher, 'version', '--json'], { PLEXI_BUILT: built })
  t.equal(version('1').stderr, '')
  t.equal(version('1').stdout, version('').stdout)
})

t.test('an old Node hands over to the bundled one', { skip }, async (t) => {
  const { stdout, stderr, status } = run(oldNode!, [launcher, 'version', '--json'])
  t.equal(status, 0)
  t.equal(stderr, '', 'no warnings')
  t.match((JSON.parse(stdout) as { node: string }).node, /^v2[4-9]/)
  t.equal(run(oldNode!, [launcher, 'status', '--home', home]).status, 13, 'exit codes pass')
  t.equal(run(oldNode!, [launcher, 'nonsense']).status, 2)
})

t.test('called by its own name, through a link, from anywhere', { skip: process.platform === 'win32' }, async (t) => {
  const script = 'ln -s "$0" "$1/plexi" && cd / && "$1/plexi" version'
  const { stdout, status } = spawnSync('/bin/sh', ['-c', script, launcher, home], { encoding: 'utf8' })
  t.equal(status, 0)
  t.match(stdout, /^plexichat \d/)
})

t.test('without any suitable Node it says what to install', { skip }, async (t) => {
  const bare = join(home, 'bare')
  mkdirSync(join(bare, 'bin'), { recursive: true })
  writeFileSync(join(bare, 'package.json'), '{"type":"module"}')
  copyFileSync(launcher, join(bare, 'bin', 'plexichat'))
  const human = run(oldNode!, [join(bare, 'bin', 'plexichat'), 'status'])
  t.equal(human.status, 1)
  t.match(human.stderr, /^✗ SYSTEM_NODE_TOO_OLD: .+\n {2}Why: .+\n {2}Fix: .*npm install --include=optional/)
  t.notMatch(human.stderr, /at .*:\d+:\d+/, 'no stack trace')
  const json = run(oldNode!, [join(bare, 'bin', 'plexichat'), 'status', '--json'])
  t.match(JSON.parse(json.stderr), { type: 'error', code: 'SYSTEM_NODE_TOO_OLD', exitCode: 1 })
})

type Following = ChildProcessByStdio<null, Readable, Readable>

/** A command that runs until it is interrupted, and has said something. */
async function following(): Promise<Following> {
  const child = spawn(oldNode!, [launcher, 'logs', '-f', '--home', home], { stdio: ['ignore', 'pipe', 'pipe'] })
  await once(child.stdout, 'data')
  return child
}

/** Children of a process (Linux). */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

t.test('signals reach the program', { skip }, async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = await following()
    child.kill(signal)
    const [code] = (await once(child, 'exit')) as [number | null]
    t.equal(code, 130, signal)
  }
})

t.test(
  'a launcher that is killed takes the program with it',
  { skip: skip || process.platform !== 'linux' },
  async (t) => {
    const child = await following()
    const [program] = childrenOf(child.pid!)
    t.ok(program)
    child.kill('SIGKILL')
    await until(() => !existsSync(`/proc/${String(program)}`) || isZombie(program!))
    t.pass('the program is gone')
  },
)

t.test(
  'a program that is killed ends its launcher the same way',
  { skip: skip || process.platform !== 'linux' },
  async (t) => {
    const child = await following()
    const ended = once(child, 'exit') as Promise<[number | null, string | null]>
    process.kill(childrenOf(child.pid!)[0]!, 'SIGKILL')
    t.strictSame(await ended, [null, 'SIGKILL'])
  },
)

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))
  } catch {
    return true
  }
}

t.test('cleans up', async () => {
  rmSync(home, { recursive: true })
})

/**
 * Promise: a whole process killed at a system call that makes something durable – of its own files, its databases or its
 * threads – loses nothing acknowledged. The kernel keeps what was written: torn data is what `crash.test.ts` is for.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import t, { type Test } from 'tap'
import { DirectoryNetwork } from '../../src/backup/index.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { describeTree } from '../support/source-tree.ts'
import { newVault, never, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'
import type { Told } from './engine-child.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const calls = ['fsync', 'fdatasync', 'rename'] as const
/** A thread's calls are counted by themselves: few numbers reach many moments. */
const moments = long
  ? calls.flatMap((call) => Array.from({ length: 40 }, (_, i) => [call, i + 1] as const))
  : ([
      ['fsync', 14],
      ['fdatasync', 8],
      ['rename', 7],
    ] as const)
const child = join(import.meta.dirname, 'engine-child.ts')

t.test('killed at a system call', { skip: noStrace() }, async (t) => {
  const deaths = []
  for (const [call, number] of moments) deaths.push(await oneDeath(t, call, number))
  const kills = deaths.filter(({ killed }) => killed).length
  t.comment(`${String(kills)} of ${String(deaths.length)} processes were killed`)
  t.ok(kills > 0, 'the calls are reached')
  t.ok(
    deaths.some(({ told }) => told > 0),
    'some had told of what they did',
  )
})

/** Lets one process live until the call of that number, and looks at what it left. */
async function oneDeath(
  t: Test,
  call: (typeof calls)[number],
  number: number,
): Promise<{ killed: boolean; told: number }> {
  const dir = await temporaryDirectory(t)
  const vault = newVault()
  const { sign: _, ...keys } = vault.keys
  const [home, store, source] = [join(dir, 'home'), join(dir, 'store'), join(dir, 'source')]
  mkdirSync(source)
  const scene = join(dir, 'scene')
  writeFileSync(scene, serialize({ keys, seed: vault.seed, home, store, source }))
  const { told, killed } = await live(scene, `inject=${namesOf(call)}:signal=SIGKILL:when=${String(number)}`)
  const acknowledged = new Map(told.flatMap((each) => ('tree' in each ? [[each.backedUp, each.tree] as const] : [])))
  for (const each of told) if ('forgetting' in each) acknowledged.delete(each.forgetting)
  const network = new DirectoryNetwork({ directory: store }, { disk: systemDisk, clock: systemClock })
  const engine = await openEngine({ keys: vault.keys, home, network })
  try {
    for (const [snapshot, tree] of acknowledged) {
      const to = join(dir, `restored-${snapshot}`)
      const { failed } = await summaryOf(engine.restore({ snapshot, to }, never))
      if (failed.length > 0 || describeTree(join(to, 'source')).join() !== tree.join())
        t.fail('an acknowledged snapshot does not restore', { call, number, failed })
    }
    const again = await summaryOf(engine.backup({ paths: [source] }, never))
    if (again.queued !== 0 || again.skipped.length > 0) t.fail('work does not go on', { call, number })
    const { ok, bad } = await summaryOf(engine.verify({ readDataPercent: 100 }, never))
    if (!ok) t.fail('verify finds damage', { call, number, bad })
  } finally {
    await engine.close()
    rmSync(dir, { recursive: true })
  }
  return { killed, told: told.length }
}

/** The names a call has on different machines. */
function namesOf(call: (typeof calls)[number]): string {
  return call === 'rename' ? '?rename,?renameat,?renameat2' : call
}

async function live(scene: string, inject: string): Promise<{ told: Told[]; killed: boolean }> {
  const traced = inject.slice('inject='.length).split(':')[0] ?? ''
  const args = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${traced}`, '-e', inject]
  const run = spawn('strace', [...args, process.execPath, child, scene], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  run.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  const [code, signal] = (await once(run, 'close')) as [number | null, string | null]
  const told = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Told)
  return { told, killed: signal === 'SIGKILL' || code !== 0 }
}

/** Why processes cannot be watched here; false where they can. */
function noStrace(): string | false {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO', 'true'])
    return false
  } catch {
    return 'there is no strace, or it may not watch'
  }
}

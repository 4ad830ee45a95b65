/**
 * Promise: 500 hostile trees write nothing outside the target, and end: restored as far as they can be, or with an error
 * that has a code. Memory grows by at most 256 MiB.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { errorTable } from '../../src/base/error-table.ts'
import { MiB } from '../../src/base/bytes.ts'
import { toPlexiError, type PlexiError } from '../../src/base/errors.ts'
import type { BlockingDisk } from '../../src/base/blocking-disk.ts'
import type { Disk } from '../../src/base/disk.ts'
import type { Random } from '../../src/base/random.ts'
import { ownThread, type BackupEngine, type Failed, type RestoreRequest } from '../../src/backup/index.ts'
import type { NodeList } from '../../src/backup/tree/node.ts'
import { systemBlockingDisk, systemDisk, systemRandom } from '../../src/daemon/system/index.ts'
import { bombs, file, ingredients, listOf, named, type Craft, type Hostile } from '../support/hostile-trees.ts'
import { writeSnapshots } from '../support/hostile-vault.ts'
import { MemoryHosts, MemoryNetwork } from '../support/memory-network.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { newVault, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const TREES = long ? 5_000 : 500
/** Snapshots of one vault. */
const BATCH = 50
/** MiB. */
const MEMORY = 256
/** Of the processor's time: so a bomb gets as far on a busy machine. */
const BOMB_MS = long ? 20_000 : 400
/** When told to stop, a restore has this long to end. */
const GRACE_MS = 5_000
/** The disk is full after so much. */
const ROOM = { bytes: (long ? 512 : 32) * MiB, names: long ? 200_000 : 20_000 }
const GOOD = Buffer.from('what is good in a hostile tree')

interface World {
  readonly dir: string
  readonly outside: string
  readonly target: string
  readonly random: Random
}

t.test(`${String(TREES)} hostile trees`, async (t) => {
  const world = await makeWorld(t, 'hostile trees')
  const kinds = Object.entries(ingredients)
  for (let first = 0; first < TREES; first += BATCH) {
    const chosen = Array.from({ length: BATCH }, (_, i) => kinds[(first + i) % kinds.length] as (typeof kinds)[number])
    await restoreAll(t, world, { chosen, stopMs: GRACE_MS })
  }
})

for (const bomb of Object.entries(bombs))
  t.test(`a bomb: ${bomb[0]}`, async (t) => {
    await restoreAll(t, await makeWorld(t, bomb[0]), { chosen: [bomb], stopMs: BOMB_MS })
  })

/** A folder with the target and nothing but things that must stay as they are. */
async function makeWorld(t: Test, seed: string): Promise<World> {
  const dir = await temporaryDirectory(t)
  const [outside, target] = [join(dir, 'sandbox/outside'), join(dir, 'sandbox/target')]
  mkdirSync(join(outside, 'folder'), { recursive: true })
  for (const name of ['canary', 'folder/canary', 'good', 'hostile'])
    writeFileSync(join(outside, name), `canary ${name}`)
  chmodSync(join(outside, 'canary'), 0o640)
  symlinkSync('canary', join(outside, 'link'))
  return { dir, outside, target, random: seededRandom(seed) }
}

interface Trees {
  readonly chosen: readonly (readonly [string, (craft: Craft) => Promise<Hostile> | Hostile])[]
  /** A restore is told to stop when it has taken this much of the processor's time. */
  readonly stopMs: number
}

async function restoreAll(t: Test, world: World, { chosen, stopMs }: Trees): Promise<void> {
  const { dir, random, outside } = world
  const home = join(dir, 'home')
  const setup = { home, keys: newVault().keys, network: new MemoryNetwork(new MemoryHosts(1)) }
  const withGood: boolean[] = []
  const snapshots = await writeSnapshots(setup, async (store) => {
    const trees = []
    for (const [, make] of chosen) {
      const craft = { ...store, random, outside }
      const list = await listOf(craft, await make(craft))
      withGood.push(random.below(5) !== 0)
      trees.push(withGood.at(-1) === true ? await besideGood(craft, list) : list)
    }
    return trees
  })
  const room = { ...ROOM }
  const threads = ownThread({ disk: fillingBlockingDisk(room), random: systemRandom })
  const engine = await openEngine({ ...setup, disk: fillingDisk(room), threads })
  const memory = watchMemory()
  try {
    for (const [i, snapshot] of snapshots.entries()) {
      Object.assign(room, ROOM)
      const tree = { engine, snapshot, kind: chosen[i]?.[0] ?? '', good: withGood[i] === true, stopMs }
      await restoreOne(t, world, tree)
      remove(world.target)
    }
  } finally {
    await engine.close()
    rmSync(home, { recursive: true })
  }
  const grown = Math.round(memory.grown() / MiB)
  t.ok(grown <= MEMORY, `memory grew by ${String(grown)} MiB`)
}

/** The hostile directory beside a good one. */
async function besideGood(craft: Craft, list: NodeList): Promise<NodeList> {
  const good = await listOf(craft, { nodes: [await file(craft, 'good', GOOD)] })
  const origins = [
    '/a/b',
    '/hostile',
    '/../../outside',
    `${craft.outside}/canary`,
    '/',
    '',
    '/a//./b',
    '/\0',
    '/a/b/c/d',
  ]
  const origin = Buffer.from(origins[craft.random.below(origins.length)] ?? '')
  const nodes = [
    named('good', { type: 'dir', mode: 0o755, list: good.chunks, depth: good.depth, origin: Buffer.from('/good') }),
    named('hostile', { type: 'dir', mode: 0o755, list: list.chunks, depth: list.depth, origin }),
  ]
  return listOf(craft, { nodes })
}

interface Restore {
  readonly engine: BackupEngine
  readonly snapshot: string
  readonly kind: string
  /** A good directory is beside the hostile one. */
  readonly good: boolean
  readonly stopMs: number
}

interface Outcome {
  readonly failed: readonly Failed[]
  readonly error?: PlexiError
  readonly stopped: boolean
}

async function restoreOne(t: Test, world: World, tree: Restore): Promise<void> {
  const { target, outside, random, dir } = world
  const { kind, good, stopMs } = tree
  prepare(world)
  const before = look(outside)
  const how = requestOf(random)
  const started = process.cpuUsage()
  const outcome = await outcomeOf(tree, { to: target, ...how })
  const { user, system } = process.cpuUsage(started)
  const took = (user + system) / 1_000
  const { failed, error, stopped } = outcome
  const about = { kind, how, failed: failed.slice(0, 3), error: error?.message, took }
  if (look(outside) !== before) t.fail('something outside the target was changed', about)
  const beside = readdirSync(join(dir, 'sandbox')).sort().join()
  if (beside !== 'outside,target') t.fail('something beside the target was made', { ...about, beside })
  for (const { code } of [...failed, ...(error === undefined ? [] : [error])])
    if (!(code in errorTable) || code === 'SYSTEM_UNEXPECTED') t.fail('no code tells what is wrong', { ...about, code })
  if (took > stopMs + GRACE_MS) t.fail('the restore did not end', about)
  const left = readdirSync(target).filter((name) => /^\.plexichat-restore-(?!0123)/.test(name))
  if (left.length > 0) t.fail('something was left in the target', { ...about, left })
  if (stopped) t.comment(`${kind}: had to be stopped`)
  if (!good || error !== undefined || failed.some(({ path }) => path.startsWith(join(target, 'good')))) return
  if (!readFileSync(join(target, 'good/good')).equals(GOOD)) t.fail('what is good did not come back', about)
}

async function outcomeOf(
  { engine, snapshot, stopMs }: Restore,
  how: Omit<RestoreRequest, 'snapshot'>,
): Promise<Outcome> {
  const stop = new AbortController()
  const before = process.cpuUsage()
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1_000 > stopMs) stop.abort(new DOMException('enough', 'AbortError'))
  }, 5)
  try {
    const { failed } = await summaryOf(engine.restore({ snapshot, ...how }, stop.signal))
    return { failed, stopped: stop.signal.aborted }
  } catch (error) {
    return { failed: [], error: toPlexiError(error), stopped: stop.signal.aborted }
  } finally {
    clearInterval(timer)
  }
}

function requestOf(random: Random): Partial<RestoreRequest> {
  const overwrite = (['never', 'older', 'always'] as const)[random.below(3)] ?? 'never'
  return {
    overwrite,
    ...(random.below(3) === 0 ? { fullPaths: true } : {}),
    ...(random.below(4) === 0 ? { verify: true } : {}),
    ...(random.below(4) === 0 ? { first: ['x', '*', 'good', '**/inside'][random.below(4)] ?? '*' } : {}),
  }
}

/** Sometimes traps wait in the target: links to what is outside, where the tree has directories and files. */
function prepare({ target, outside, random }: World): void {
  mkdirSync(target)
  if (random.below(3) !== 0) return
  const place = ['good', 'hostile', 'x', 'a', 'b'][random.below(5)] ?? 'x'
  symlinkSync(random.below(2) === 0 ? outside : join(outside, 'canary'), join(target, place))
  if (random.below(2) === 0) return
  mkdirSync(join(target, 'd'))
  symlinkSync(outside, join(target, 'd/inside'))
}

/** Everything about a folder that a write could change. */
function look(path: string): string {
  const { mode, ino, nlink, size, mtimeNs, ctimeNs, uid, gid } = lstatSync(path, { bigint: true })
  const own = [path, mode, ino, nlink, size, mtimeNs, ctimeNs, uid, gid].join(' ')
  if (lstatSync(path).isSymbolicLink()) return `${own} ${readlinkSync(path)}`
  if (!lstatSync(path).isDirectory()) return `${own} ${readFileSync(path, 'hex')}`
  return [
    own,
    ...readdirSync(path)
      .sort()
      .map((name) => look(join(path, name))),
  ].join('\n')
}

/** Also where directories are closed to this account. */
function remove(path: string): void {
  openUp(Buffer.from(path))
  rmSync(path, { recursive: true, force: true })
}

function openUp(path: Buffer): void {
  chmodSync(path, 0o700)
  for (const entry of readdirSync(path, { withFileTypes: true, encoding: 'buffer' }))
    if (entry.isDirectory()) openUp(Buffer.concat([path, Buffer.from('/'), entry.name]))
}

/** How many bytes the process has grown by at most. */
function watchMemory(): { grown: () => number } {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  const before = process.memoryUsage.rss()
  let peak = before
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 5)
  return {
    grown: () => {
      clearInterval(timer)
      look()
      return peak - before
    },
  }
}

interface Room {
  bytes: number
  names: number
}

function take(room: Room, what: keyof Room, count: number): void {
  room[what] -= count
  if (room[what] < 0) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
}

function fillingDisk(room: Room): Disk {
  return {
    ...systemDisk,
    support: systemDisk.support,
    async mkdir(path, mode) {
      take(room, 'names', 1)
      await systemDisk.mkdir(path, mode)
    },
    async symlink(target, path) {
      take(room, 'names', 1)
      await systemDisk.symlink(target, path)
    },
  }
}

function fillingBlockingDisk(room: Room): BlockingDisk {
  return {
    ...systemBlockingDisk,
    open(path, how, mode) {
      if (how === 'create') take(room, 'names', 1)
      return systemBlockingDisk.open(path, how, mode)
    },
    write(file, from, position) {
      take(room, 'bytes', from.length)
      systemBlockingDisk.write(file, from, position)
    },
  }
}

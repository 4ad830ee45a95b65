/**
 * Promise: any flipped byte, truncation, swap or duplication of any stored object is detected. Every object of a small
 * vault: shards, head, authority, terms. The long suite damages every byte of all but the second and later shards, of
 * which, as of everything in the bounded suite, it takes the first bytes and a sample.
 */
import { randomInt } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { fromHex } from '../../src/base/bytes.ts'
import { chooseHeads } from '../../src/backup/adopt/choose-heads.ts'
import { DirectoryNetwork, type EngineKeys } from '../../src/backup/index.ts'
import { openAuthority } from '../../src/crypto/authority.ts'
import { openTerms } from '../../src/crypto/terms.ts'
import { systemClock, systemDisk } from '../../src/daemon/system/index.ts'
import { SHARD_BYTES, shardId, verifyShard } from '../../src/shard/index.ts'
import { makeTree } from '../support/source-tree.ts'
import { newVault, never, openEngine, summaryOf, temporaryDirectory } from '../support/vault.ts'

const long = process.env['PLEXICHAT_TEST_LONG'] !== undefined
const FIRST_BYTES = 160
/** Of these every bit is flipped: magic, versions, kinds. Of others one at random. */
const ALL_BITS_BYTES = 32
const ALL_BITS = [0, 1, 2, 3, 4, 5, 6, 7]
const SAMPLE = long ? 20_000 : 250
const LENGTHS = 40

/** True when reading the object as these bytes is refused. */
type Refused = (bytes: Uint8Array) => Promise<boolean> | boolean

interface Stored {
  readonly path: string
  readonly refused: Refused
}

const { keys } = newVault()
let vault = ''
let home = ''

t.before(async () => {
  const dir = await temporaryDirectory(t)
  vault = join(dir, 'vault')
  home = join(dir, 'home')
  makeTree(join(dir, 'source'))
  const engine = await openEngine({ keys, home, network: network() })
  await summaryOf(engine.backup({ paths: [join(dir, 'source')] }, never))
  await summaryOf(engine.backup({ paths: [join(dir, 'source', 'one')] }, never))
  await engine.close()
})

t.test('flipped and missing bytes of every object', async (t) => {
  const objects = stored(keys)
  t.ok(objects.length >= 5, `${String(objects.length)} objects`)
  for (const [i, { path, refused }] of objects.entries()) {
    const bytes = readFileSync(path)
    t.notOk(await refused(bytes), `${basename(path)} is read as it is`)
    const missed: number[] = []
    for (const at of positions(bytes.length, long && (i === 0 || bytes.length < SHARD_BYTES))) {
      const right = bytes[at] ?? 0
      for (const bit of at < ALL_BITS_BYTES ? ALL_BITS : [randomInt(8)]) {
        bytes[at] = right ^ (1 << bit)
        if (!(await refused(bytes))) missed.push(at)
      }
      bytes[at] = right
    }
    t.same(missed, [], `${basename(path)}: every flip is detected`)
    const lengths = Array.from({ length: LENGTHS }, () => randomInt(bytes.length))
    for (const length of [0, bytes.length - 1, ...lengths])
      if (!(await refused(bytes.subarray(0, length)))) t.fail(`${basename(path)} cut to ${String(length)} is accepted`)
    if (!(await refused(Buffer.concat([bytes, Buffer.of(0)])))) t.fail(`${basename(path)}: a byte more is accepted`)
  }
})

t.test('objects in the place of others', async (t) => {
  const objects = stored(keys)
  for (const one of objects)
    for (const other of objects)
      if (one !== other && !(await one.refused(readFileSync(other.path))))
        t.fail(`${basename(other.path)} passes for ${basename(one.path)}`)
})

t.test('the engine tells which shard is damaged: flipped, cut, swapped, one twice', async (t) => {
  const [first = '', second = ''] = shardFiles()
  const [a, b] = [readFileSync(first), readFileSync(second)]
  const flipped = Uint8Array.from(a)
  flipped[700_000] = (flipped[700_000] ?? 0) ^ 1
  const damages: [string, () => void, string[]][] = [
    ['flipped', () => writeFileSync(first, flipped), [first]],
    ['cut', () => writeFileSync(first, a.subarray(0, 900_000)), [first]],
    ['one twice', () => copyFileSync(second, first), [first]],
    [
      'swapped',
      () => {
        writeFileSync(first, b)
        writeFileSync(second, a)
      },
      [first, second],
    ],
  ]
  for (const [what, damage, hit] of damages) {
    damage()
    const engine = await openEngine({ keys, home, network: network() })
    const { ok, bad } = await summaryOf(engine.verify({ readDataPercent: 100 }, never))
    await engine.close()
    t.notOk(ok, what)
    t.same(new Set(bad.map(({ shardId: id }) => id)), new Set(hit.map((path) => basename(path))), `${what}: named`)
    writeFileSync(first, a)
    writeFileSync(second, b)
  }
})

function stored({ vault: id, shared }: EngineKeys): Stored[] {
  const path = (name: string) => join(vault, name)
  const heads = readdirSync(vault).filter((name) => name.startsWith('head-'))
  return [
    ...shardFiles().map((file) => ({
      path: file,
      refused: (bytes: Uint8Array) => !verifyShard(bytes, shardId(fromHex(basename(file)))),
    })),
    ...heads.map((name) => ({ path: path(name), refused: (bytes: Uint8Array) => headRefused(path(name), bytes) })),
    {
      path: path('authority'),
      refused: (bytes) => throws(() => openAuthority(bytes, { key: shared.authority, vault: id })),
    },
    { path: path('terms'), refused: (bytes) => throws(() => openTerms(bytes, id)) },
  ]
}

/** As recovery reads it: the file, then which heads may be believed. */
async function headRefused(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const found = await network({ path, bytes: Buffer.from(bytes) }).findHeads()
    const { heads, alarms } = chooseHeads(found, keys)
    return heads.length === 0 || alarms.length > 0
  } catch {
    return true
  }
}

function network(damaged?: { path: string; bytes: Buffer }): DirectoryNetwork {
  const disk: typeof systemDisk = {
    ...systemDisk,
    readFile: (path, max) => (path === damaged?.path ? Promise.resolve(damaged.bytes) : systemDisk.readFile(path, max)),
  }
  return new DirectoryNetwork({ directory: vault }, { disk, clock: systemClock })
}

function shardFiles(): string[] {
  return readdirSync(join(vault, 'shards'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(vault, 'shards', name))
    .filter((path) => statSync(path).isFile())
}

function positions(length: number, all: boolean): number[] {
  if (all || length <= FIRST_BYTES + SAMPLE) return Array.from({ length }, (_, i) => i)
  const first = Array.from({ length: FIRST_BYTES }, (_, i) => i)
  return [...first, ...Array.from({ length: SAMPLE }, () => randomInt(length))]
}

function throws(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch {
    return true
  }
}

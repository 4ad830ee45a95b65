/** The engine's threads: real ones give what the caller's own thread gives, and a dead one is an error, never a wait. */
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { BlockingDisk } from '../../../src/base/blocking-disk.ts'
import type { Xattr } from '../../../src/base/disk.ts'
import {
  fileState,
  type KernelSetup,
  type Pieces,
  type ReadJob,
  type ReadResult,
} from '../../../src/backup/kernel/jobs.ts'
import { createKernel } from '../../../src/backup/kernel/kernel.ts'
import { ownThread } from '../../../src/backup/kernel/own-thread.ts'
import { KernelPool } from '../../../src/backup/kernel/pool.ts'
import { systemBlockingDisk, systemClock, systemRandom, systemThreads } from '../../../src/daemon/system/index.ts'
import {
  chunkId,
  chunkIdOf,
  defaultChunkerOptions,
  defaultPackerOptions,
  openShard,
  verifyShard,
} from '../../../src/shard/index.ts'
import { temporaryDirectory } from '../../support/vault.ts'

const epoch = { epoch: 1, key: randomBytes(32) }
const setup: KernelSetup = {
  ...{ idMac: randomBytes(32), chunker: randomBytes(32), epochs: [epoch] },
  ...{ chunk: defaultChunkerOptions, packer: defaultPackerOptions },
}
const clock = systemClock
const own = ownThread({ disk: systemBlockingDisk, random: systemRandom })

function pool(t: { teardown(work: () => Promise<void>): void }, threads = systemThreads): KernelPool {
  const made = new KernelPool(() => setup, { threads, clock })
  t.teardown(() => made.stop())
  return made
}

/** Bytes in memory that threads share. */
function shared(bytes: Uint8Array): Uint8Array {
  const slab = new Uint8Array(new SharedArrayBuffer(bytes.length))
  slab.set(bytes)
  return slab
}

function hexOf({ ids, lengths }: Pieces): string {
  return `${Buffer.from(ids).toString('hex')} ${lengths.join()}`
}

t.test('cutting and naming in threads gives what the own thread gives', async (t) => {
  const bytes = shared(randomBytes(3_000_000))
  const [there, here] = [pool(t), pool(t, own)]
  const pieces = await there.run('cut', { bytes, last: true })
  t.equal(hexOf(pieces), hexOf(await here.run('cut', { bytes, last: true })))
  t.equal(
    pieces.lengths.reduce((sum, length) => sum + length, 0),
    bytes.length,
  )
  t.equal(hexOf(await there.run('name', { bytes, lengths: pieces.lengths })), hexOf(pieces))
})

t.test('what a thread packs opens, and what waits comes back', async (t) => {
  const kernel = pool(t)
  const bytes = shared(randomBytes(5_000_000))
  const pieces = await kernel.run('cut', { bytes, last: true })
  let at = 0
  const offsets = pieces.lengths.map((length) => (at += length) - length)
  const mine = { writer: 1, epoch }
  const { result, thread } = await kernel.runAnywhere('pack', { ...pieces, offsets, bytes, kind: 'data', ...mine })
  t.ok(result.sealed.length >= 1)
  const found = new Set<string>()
  for (const shard of result.sealed) {
    t.ok(verifyShard(shard.bytes, shard.id))
    const opened = openShard(shard.bytes, { epochKey: () => epoch.key })
    for (const { id } of opened.chunks) {
      t.same(chunkIdOf(setup.idMac, opened.read(id) ?? new Uint8Array(0)), id)
      found.add(String(id))
    }
  }
  const taken = await kernel.run('take', mine, thread)
  for (let i = 0; i < taken.lengths.length; i++) found.add(String(chunkId(taken.ids.slice(i * 32, i * 32 + 32))))
  t.equal(found.size, pieces.lengths.length, 'every chunk is sealed or handed back')
  t.equal((await kernel.run('take', { writer: 2, epoch }, thread)).lengths.length, 0, 'another writer finds nothing')
})

t.test('small files are read by the batch; what cannot be read does not hurt the others', async (t) => {
  const folder = await temporaryDirectory(t)
  const contents = ['first', 'second one', ''].map((text) => Buffer.from(text))
  contents.forEach((content, i) => {
    writeFileSync(join(folder, String(i)), content)
  })
  const paths = ['0', 'gone', '1', '2'].map((name) => Buffer.from(join(folder, name)))
  const job = jobOf(paths, shared(new Uint8Array(1000)))
  job.mtimes[2] = (job.mtimes[2] as bigint) + 1n
  const read = await pool(t).run('read', job)
  t.same([...read.states], [fileState.read, fileState.failed, fileState.changed, fileState.read])
  t.same([...read.sizes], [5, 0, 10, 0])
  t.same([...read.pieces], [1, 0, 1, 0])
  t.equal(Buffer.from(job.slab.subarray(0, 15)).toString(), 'firstsecond one')
  t.match(read.reasons, { 1: /vanished/ })
})

function jobOf(paths: readonly Buffer[], slab: Uint8Array): ReadJob {
  let end = 0
  const stats = paths.map((path) => systemBlockingDisk.stat(path))
  return {
    slab,
    paths: Buffer.concat(paths),
    pathEnds: Uint32Array.from(paths, (path) => (end += path.length)),
    sizes: Float64Array.from(stats, (stat) => stat?.size ?? 7),
    mtimes: BigInt64Array.from(stats, (stat) => stat?.mtimeNs ?? 0n),
    inodes: BigInt64Array.from(stats, (stat) => stat?.inode ?? 0n),
  }
}

t.test('extended attributes come with the files: few at once, or why there are none', (t) => {
  const pair = (name: string, bytes: number): Xattr => [Buffer.from(name), Buffer.alloc(bytes)]
  const folder = t.testdir({ none: '1', two: '2', large: '3', small: '4', failing: '5' })
  const given: Record<string, () => Xattr[]> = {
    none: () => [],
    two: () => [pair('user.b', 1), pair('user.a', 2)],
    large: () => Array.from({ length: 20 }, (_, i) => pair(`user.${String(i)}`, 65_536)),
    small: () => [pair('user.c', 1)],
    failing() {
      throw Object.assign(new Error('no'), { code: 'EIO' })
    },
  }
  const names = Object.keys(given)
  let opened = ''
  const disk: BlockingDisk = {
    ...systemBlockingDisk,
    open(path, how) {
      opened = basename(String(path))
      return systemBlockingDisk.open(path, how)
    },
    xattrs: () => given[opened]?.() ?? [],
  }
  const job = jobOf(
    names.map((name) => Buffer.from(join(folder, name))),
    new Uint8Array(1000),
  )
  const { result } = createKernel(setup, { disk, random: systemRandom }).run({ name: 'read', job })
  const { states, xattrs } = result as ReadResult
  t.ok(
    states.every((state) => state === fileState.read),
    'whatever the attributes are like',
  )
  t.match(xattrs, { 1: given['two']?.(), 2: null, 3: given['small']?.(), 4: { error: /the disk reports an error/ } })
  t.notOk(0 in xattrs)
  t.end()
})

t.test('jobs of a thread that is stopped are rejected', async (t) => {
  const kernel = pool(t)
  const work = kernel.run('cut', { bytes: shared(randomBytes(4_000_000)), last: true })
  const ended = t.rejects(work, { code: 'SYSTEM_UNEXPECTED' })
  await kernel.stop()
  await ended
})

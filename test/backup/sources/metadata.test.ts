import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Disk, DiskFile, DiskStat, Xattr } from '../../../src/base/disk.ts'
import { HardLinks } from '../../../src/backup/sources/hard-links.ts'
import { MetadataReader } from '../../../src/backup/sources/metadata.ts'
import { regionsOf, type Region } from '../../../src/backup/sources/regions.ts'
import { encodeNodes } from '../../../src/backup/tree/node.ts'
import { NodeListBuilder } from '../../../src/backup/tree/list-builder.ts'
import { chunkId } from '../../../src/shard/index.ts'
import { diskOver } from '../../../src/daemon/system/disk.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { lacks } from '../../support/file-system.ts'
import { collect, temporaryDirectory } from '../../support/vault.ts'

const owners = { user: () => undefined, group: () => 'staff' }

function reader(disk: Disk): { metadata: MetadataReader; reports: string[] } {
  const reports: string[] = []
  const incomplete = (path: Buffer, reason: string): unknown => reports.push(`${String(path)}: ${reason}`)
  return { metadata: new MetadataReader({ disk, owners, incomplete }), reports }
}

async function entryAt(path: string): Promise<{ name: Buffer; path: Buffer; stat: DiskStat }> {
  return { name: Buffer.from('x'), path: Buffer.from(path), stat: (await systemDisk.stat(path))! }
}

t.test('names of one inode share a number, whatever else is there', async (t) => {
  const dir = await temporaryDirectory(t)
  writeFileSync(join(dir, 'a'), 'x')
  linkSync(join(dir, 'a'), join(dir, 'b'))
  writeFileSync(join(dir, 'single'), 'x')
  symlinkSync('x', join(dir, 'link'))
  linkSync(join(dir, 'link'), join(dir, 'link2'))
  mkdirSync(join(dir, 'd/e'), { recursive: true })
  const { metadata } = reader(systemDisk)
  const of = async (name: string): Promise<number | undefined> =>
    (await metadata.of(await entryAt(join(dir, name)))).hardLink
  t.type(await of('a'), 'number')
  t.equal(await of('a'), await of('b'))
  t.equal(await of('link'), await of('link2'))
  t.not(await of('a'), await of('link'))
  t.equal(await of('single'), undefined)
  t.equal(await of('d'), undefined, 'a directory has as many links as children')
  t.equal(
    await reader(systemDisk)
      .metadata.of(await entryAt(join(dir, 'a')))
      .then((m) => m.hardLink),
    await of('a'),
  )
})

t.test('two inodes never share a number', (t) => {
  const inode = fc.oneof(fc.bigInt(0n, 5n), fc.bigInt(2n ** 44n - 2n, 2n ** 44n + 2n), fc.bigInt(0n, 2n ** 64n - 1n))
  const entries = fc.array(fc.tuple(fc.bigInt(0n, 300n), inode), { maxLength: 600 })
  fc.assert(
    fc.property(entries, (all) => {
      const links = new HardLinks()
      const numbers = new Map<number, string>()
      for (const [device, ino] of all) {
        const number = links.numberOf({ kind: 'file', links: 2, device, inode: ino } as DiskStat)!
        const key = `${String(device)}:${String(ino)}`
        if (!Number.isSafeInteger(number) || (numbers.get(number) ?? key) !== key) return false
        numbers.set(number, key)
      }
      return new Set(numbers.values()).size === numbers.size
    }),
  )
  t.end()
})

t.test('a file is known again under each of its other names, unless it changed', (t) => {
  const stat = { kind: 'file', links: 3, device: 1n, inode: 2n, size: 5, mtimeNs: 1n, ctimeNs: 1n } as DiskStat
  const stored = { size: 5, content: { depth: 0, extents: [] } }
  const links = new HardLinks()
  t.equal(links.known(stat), undefined)
  links.remember(stat, stored)
  t.match(links.known(stat), stored)
  t.equal(links.known({ ...stat, ctimeNs: 2n }), undefined)
  t.equal(links.known(stat), undefined, 'all its names were seen')
  t.end()
})

t.test('attributes come in the order of their names; what cannot be kept is reported', async (t) => {
  const dir = await temporaryDirectory(t)
  const entry = await entryAt(dir)
  let given: Xattr[] | Error = [
    [Buffer.from('user.b'), Buffer.from('2')],
    [Buffer.from('user.a'), Buffer.from('1')],
  ]
  const disk: Disk = {
    ...systemDisk,
    xattrs: () => (given instanceof Error ? Promise.reject(given) : Promise.resolve(given)),
  }
  const { metadata, reports } = reader(disk)
  t.same(
    (await metadata.of(entry)).xattrs?.map(([name]) => String(name)),
    ['user.a', 'user.b'],
  )
  t.same(reports, [])
  given = Array.from({ length: 1030 }, (_, i) => [Buffer.from(`user.${String(i)}`), Buffer.alloc(1)])
  t.equal((await metadata.of(entry)).xattrs?.length, 1024)
  t.match(reports.pop(), /: 6 of its extended attributes are too large/)
  given = [1, 2, 3].map((i) => [Buffer.from(`user.${String(i)}`), Buffer.alloc(65_536)])
  const full = await metadata.of(entry)
  t.equal(full.xattrs?.length, 1, 'two values of 64 KiB do not leave room for their names')
  t.match(reports.pop(), /2 of its/)
  given = Object.assign(new Error('no'), { code: 'EIO' })
  t.equal((await metadata.of(entry)).xattrs, undefined)
  t.match(reports.pop(), /cannot be read: the disk reports an error/)
  const plain = reader(diskOver(() => ({})))
  t.equal((await plain.metadata.of(entry)).xattrs, undefined)
  t.same(plain.reports, [])
})

t.test('the largest nodes fit into objects, next to others', async (t) => {
  const values = [1, 2].map((i) => [Buffer.from(`user.${String(i)}`), Buffer.alloc(65_000)] as const)
  const objects: number[] = []
  const builder = new NodeListBuilder({
    putObject: async (bytes) => {
      objects.push(bytes.length)
      return chunkId(Buffer.alloc(32))
    },
  })
  for (let i = 0; i < 40; i++) {
    const common = { name: Buffer.from(`a${String(100 + i)}`), mode: 0, uid: 0, gid: 0, mtimeNs: 0n }
    await builder.push({
      ...common,
      type: 'link',
      target: Buffer.alloc(32_768),
      ...(i % 3 === 0 ? { xattrs: values, origin: Buffer.alloc(32_768) } : {}),
    })
  }
  await builder.finish()
  t.ok(Math.max(...objects) <= 262_144, String(Math.max(...objects)))
  t.ok(encodeNodes([]).length > 0)
})

t.test('regions follow each other and cover the file', async (t) => {
  const range = fc.tuple(fc.nat(4_000_000), fc.integer({ min: 1, max: 300_000 }))
  await fc.assert(
    fc.asyncProperty(fc.nat(4_000_000), fc.array(range, { maxLength: 8 }), async (size, raw) => {
      const ranges = raw.map(([from, length]) => ({ from, to: from + length }))
      const nextData: DiskFile['nextData'] = async (position) => {
        const at = ranges
          .filter(({ to }) => to > position)
          .map(({ from, to }) => ({ from: Math.max(from, position), to }))
          .sort((a, b) => a.from - b.from)
        return at[0]
      }
      const regions = await collect(regionsOf({ nextData } as DiskFile, { size, blocks: -1 } as DiskStat))
      return covers(regions, size) && ranges.every(({ from, to }) => !touchesHole(regions, from, Math.min(to, size)))
    }),
  )
  const whole = await collect(regionsOf({} as DiskFile, { size: 5, blocks: 8 } as DiskStat))
  t.same(whole, [{ hole: false, from: 0, to: 5 }], 'a file without holes is not asked')
})

function covers(regions: readonly Region[], size: number): boolean {
  const ends = regions.map(({ to }) => to)
  return regions.every(({ from, to }, i) => from === (ends[i - 1] ?? 0) && to > from) && (ends.at(-1) ?? 0) === size
}

function touchesHole(regions: readonly Region[], from: number, to: number): boolean {
  return regions.some((region) => region.hole && from < region.to && to > region.from)
}

t.test('holes of a file on disk are found', { skip: lacks.holes }, async (t) => {
  const dir = await temporaryDirectory(t)
  const path = join(dir, 'sparse')
  const file = await systemDisk.open(path, 'create')
  await file.truncate(1 << 30)
  await file.write(Buffer.alloc(1000, 1), 512 << 20)
  const regions = await collect(regionsOf(file, await file.stat()))
  await file.close()
  t.same(
    regions.map(({ hole }) => hole),
    [true, false, true],
  )
  t.ok(covers(regions, 1 << 30))
})

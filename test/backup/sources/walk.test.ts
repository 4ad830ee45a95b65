import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { BlockingDisk } from '../../../src/base/blocking-disk.ts'
import { listDirectory } from '../../../src/backup/kernel/list-directory.ts'
import type { ListJob } from '../../../src/backup/kernel/jobs.ts'
import { leftOut } from '../../../src/backup/sources/left-out.ts'
import { lister } from '../../../src/backup/sources/listing.ts'
import { OwnHomes } from '../../../src/backup/sources/own-homes.ts'
import { walk } from '../../../src/backup/sources/walk.ts'
import type { BackupRequest } from '../../../src/backup/index.ts'
import { systemBlockingDisk, systemClock, systemDisk } from '../../../src/daemon/system/index.ts'
import { collect, never, temporaryDirectory } from '../../support/vault.ts'

/** What a walk of `path` finds: names relative to it, and notes. */
async function found(path: string, request: BackupRequest, disk: BlockingDisk = systemBlockingDisk): Promise<string[]> {
  const stat = disk.stat(path)
  const kernel = { run: (_name: 'list', job: ListJob) => Promise.resolve(listDirectory(job, disk)) }
  const list = lister({ kernel, clock: systemClock })
  const homes = await OwnHomes.of(systemDisk, [])
  const deps = { disk: systemDisk, list, listedAtOnce: 3, homes, signal: never, ...leftOut(request) }
  const items = await collect(walk({ name: Buffer.from('root'), path: Buffer.from(path), stat: stat! }, deps))
  return items.flatMap((item) => {
    if (item.type === 'leave' || item.type === 'part') return []
    if (item.type === 'note' || item.type === 'skipped') return [`${item.type} ${item.path.slice(path.length)}`]
    return [`${item.type} ${item.path.toString().slice(path.length)}`]
  })
}

t.test('of a cache only its tag is kept, when the tag is signed', async (t) => {
  const dir = await temporaryDirectory(t)
  const signature = 'Signature: 8a477f597d28d172789f06886806bc55\n# of a test'
  for (const name of ['cache', 'unsigned', 'linked', 'piped']) mkdirSync(join(dir, name, 'deep'), { recursive: true })
  for (const name of ['cache', 'unsigned', 'linked', 'piped']) writeFileSync(join(dir, name, 'deep/file'), 'x')
  writeFileSync(join(dir, 'cache/CACHEDIR.TAG'), signature)
  writeFileSync(join(dir, 'unsigned/CACHEDIR.TAG'), 'Signature: none')
  symlinkSync('../cache/CACHEDIR.TAG', join(dir, 'linked/CACHEDIR.TAG'))
  await systemDisk.mknod(join(dir, 'piped/CACHEDIR.TAG'), { kind: 'fifo', mode: 0o600, device: [0, 0] }).catch(() => {})
  const kept = await found(dir, { excludeCaches: true })
  t.ok(kept.includes('enter /cache') && kept.includes('file /cache/CACHEDIR.TAG') && kept.includes('note /cache'))
  t.notOk(kept.some((line) => line.includes('/cache/deep')))
  for (const name of ['unsigned', 'linked', 'piped']) t.ok(kept.includes(`file /${name}/deep/file`), name)
  t.ok((await found(dir, {})).includes('file /cache/deep/file'), 'only when asked for')
})

t.test('directories with a marker keep the marker', async (t) => {
  const dir = await temporaryDirectory(t)
  mkdirSync(join(dir, 'a/b'), { recursive: true })
  mkdirSync(join(dir, 'c/.nobackup'), { recursive: true })
  writeFileSync(join(dir, 'a/.nobackup'), 'please')
  writeFileSync(join(dir, 'a/b/file'), '')
  writeFileSync(join(dir, 'c/file'), '')
  t.same(await found(dir, { excludeIfPresent: ['.nobackup'] }), [
    'enter ',
    ...['note /a', 'enter /a', 'file /a/.nobackup'],
    ...['note /c', 'enter /c', 'enter /c/.nobackup'],
  ])
  const withHeader = await found(dir, { excludeIfPresent: ['.nobackup:plea'] })
  t.notOk(withHeader.includes('file /a/b/file'))
  t.ok(withHeader.includes('file /c/file'), 'a directory does not begin with anything')
  t.ok((await found(dir, { excludeIfPresent: ['.nobackup:other'] })).includes('file /a/b/file'))
  for (const bad of ['', ':x', 'a/b'])
    await t.rejects(found(dir, { excludeIfPresent: [bad] }), { code: 'VALIDATION_USAGE' })
})

t.test('other file systems are not entered when told so, each path counts for itself', async (t) => {
  const dir = await temporaryDirectory(t)
  mkdirSync(join(dir, 'mounted/deep'), { recursive: true })
  writeFileSync(join(dir, 'mounted/file'), '')
  writeFileSync(join(dir, 'file'), '')
  const disk: BlockingDisk = {
    ...systemBlockingDisk,
    stat(path) {
      const stat = systemBlockingDisk.stat(path)
      return stat && (String(path).includes('/mounted') ? { ...stat, device: stat.device + 1n } : stat)
    },
  }
  const request = { oneFileSystem: true }
  t.same(await found(dir, request, disk), ['enter ', 'file /file', 'note /mounted', 'enter /mounted'])
  t.same(await found(join(dir, 'mounted'), request, disk), ['enter ', 'enter /deep', 'file /file'])
  t.same((await found(dir, {}, disk)).length, 5)
})

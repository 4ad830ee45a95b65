import t from 'tap'
import { existsSync, mkdirSync, mkdtempSync, statSync, symlinkSync, rmSync, writeFileSync, lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { deviceNumber, deviceParts, isLeftover } from '../../../src/base/disk.ts'
import { lacks } from '../../support/file-system.ts'
import { diskOver, systemDisk as disk } from '../../../src/daemon/system/disk.ts'

const dir = mkdtempSync(join(tmpdir(), 'plexi-disk-'))
const withoutLibc = diskOver(() => ({}))

t.teardown(() => {
  rmSync(dir, { recursive: true })
})

t.test('an atomic write replaces the file, keeps mode 0600 and leaves no temporary file', async (t) => {
  const path = join(dir, 'a')
  await disk.writeFileAtomic(path, Buffer.from('one'))
  await disk.writeFileAtomic(path, Buffer.from('two'))
  t.equal(String(await disk.readFile(path, 10)), 'two')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same((await disk.readdir(dir)).map(String), ['a'])
})

t.test('an atomic write that fails leaves nothing, and what a crash leaves is known by its name', async (t) => {
  const inside = join(dir, 'atomic')
  mkdirSync(join(inside, 'taken'), { recursive: true })
  await t.rejects(disk.writeFileAtomic(join(inside, 'taken'), Buffer.from('x')), { code: 'EISDIR' })
  t.same((await disk.readdir(inside)).map(String), ['taken'])
  const missing: unknown = await disk.writeFileAtomic(join(inside, 'none/x'), Buffer.from('x')).catch((e: unknown) => e)
  t.ok(isLeftover((missing as { path: string }).path), 'the error names it')
  t.same(['x.0123456789ab.tmp', 'x.tmp', 'x', '.0123456789ab.tmp'].map(isLeftover), [true, false, false, false])
  rmSync(inside, { recursive: true })
})

t.test('reading is bounded', async (t) => {
  writeFileSync(join(dir, 'b'), 'too long')
  await t.rejects(disk.readFile(join(dir, 'b'), 3), { code: 'VALIDATION_LIMIT' })
})

t.test('a symlink is never followed on open', async (t) => {
  symlinkSync(join(dir, 'a'), join(dir, 'link'))
  await t.rejects(disk.open(join(dir, 'link'), 'read'), { code: 'ELOOP' })
})

t.test(
  'times come back to the ns, before and after 1970, on files and on links',
  { skip: lacks.exactTimes },
  async (t) => {
    const path = join(dir, 'ns')
    writeFileSync(path, '')
    const link = join(dir, 'nslink')
    symlinkSync('nowhere', link)
    for (const ns of [1_700_000_000_123_456_789n, 0n, 1n, -1n, -1_000_000_001n, 4_000_000_000_000_000_066n])
      for (const p of [path, link]) {
        await disk.setMtime(p, ns)
        t.equal(lstatSync(p, { bigint: true }).mtimeNs, ns)
      }
    await t.rejects(disk.setMtime(join(dir, 'gone'), 0n), { code: 'ENOENT', syscall: 'utimensat' })
    await t.rejects(
      disk.setMtime(Buffer.from(`${path}\0x`), 0n),
      { code: 'EINVAL' },
      'a NUL does not cut the path short',
    )
  },
)

t.test('hard links share an inode', async (t) => {
  writeFileSync(join(dir, 'h1'), 'x')
  await disk.link(join(dir, 'h1'), Buffer.from(join(dir, 'h2')))
  const stat = await disk.stat(join(dir, 'h2'))
  t.equal(stat?.links, 2)
  t.equal(stat?.inode, (await disk.stat(join(dir, 'h1')))?.inode)
  await t.rejects(disk.link(join(dir, 'h1'), join(dir, 'h2')), { code: 'EEXIST' })
})

t.test('a fifo is made, and a device where that is allowed', { skip: lacks.fifos }, async (t) => {
  await disk.mknod(join(dir, 'fifo'), { kind: 'fifo', mode: 0o600, device: [0, 0] })
  t.match(await disk.stat(join(dir, 'fifo')), { kind: 'fifo', mode: 0o600 })
  await t.rejects(disk.mknod(join(dir, 'fifo'), { kind: 'fifo', mode: 0o600, device: [0, 0] }), { code: 'EEXIST' })
  try {
    await disk.mknod(join(dir, 'null'), { kind: 'char', mode: 0o600, device: [1, 3] })
    const stat = await disk.stat(join(dir, 'null'))
    t.equal(stat?.kind, 'char')
    t.same(deviceParts(stat?.rdev ?? 0n), [1, 3])
  } catch (error) {
    t.equal((error as { code: string }).code, 'EPERM', 'devices need root')
  }
})

t.test('device numbers come apart and together', (t) => {
  fc.assert(
    fc.property(fc.nat({ max: 0xfffffff }), fc.nat({ max: 0xfffffff }), (major, minor) => {
      const [a, b] = deviceParts(deviceNumber([major, minor]))
      return a === major && b === minor
    }),
  )
  t.same(deviceParts(deviceNumber([0xffffffff, 0xffffffff])), [0xffffffff, 0xffffffff])
  t.equal(deviceNumber([8, 1]), 0x801n)
  t.end()
})

t.test('extended attributes are raw bytes, of files, directories and odd names', { skip: lacks.xattrs }, async (t) => {
  const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x78, 0xff])])
  writeFileSync(odd, '')
  const value = Buffer.from([0, 1, 0xff, 0])
  const name = Buffer.concat([Buffer.from('user.'), Buffer.from([0xfe])])
  await disk.setXattr(odd, [name, value])
  await disk.setXattr(odd, [Buffer.from('user.empty'), Buffer.alloc(0)])
  const own = (await disk.xattrs(odd)).filter(([each]) => String(each).startsWith('user.'))
  const sorted = own.toSorted(([a], [b]) => Buffer.compare(a, b))
  t.same(
    sorted.map(([a, b]) => [Buffer.from(a).toString('hex'), Buffer.from(b).toString('hex')]),
    [
      [Buffer.from('user.empty').toString('hex'), ''],
      [name.toString('hex'), value.toString('hex')],
    ],
  )
  await disk.removeXattr(odd, name)
  await disk.removeXattr(odd, name)
  t.notOk((await disk.xattrs(odd)).some(([each]) => name.equals(each)))
  symlinkSync(odd, join(dir, 'oddlink'))
  t.notOk(
    (await disk.xattrs(join(dir, 'oddlink'))).some(([each]) => String(each) === 'user.empty'),
    'not followed',
  )
  await t.rejects(disk.xattrs(join(dir, 'gone')), { code: 'ENOENT' })
  t.same((await disk.xattrs('/proc/self/status')).length, 0)
})

t.test('holes of a sparse file are told apart from data', { skip: lacks.holes }, async (t) => {
  const path = join(dir, 'sparse')
  const size = 64 * 1024 * 1024
  const file = await disk.open(path, 'create')
  await file.truncate(size)
  t.equal(await file.nextData(0), undefined)
  await file.write(Buffer.from('data'), 16 * 1024 * 1024)
  const range = await file.nextData(0)
  t.ok(range && range.from > 0 && range.from <= 16 * 1024 * 1024 && range.to < size)
  t.equal(await file.nextData(range?.to ?? 0), undefined)
  t.equal(await file.nextData(size), undefined)
  await file.close()
})

t.test('without libc: times to the µs, no attributes, files without holes, no special files', async (t) => {
  t.same(withoutLibc.support, { exactTimes: false, xattrs: false, specialFiles: false, holes: false })
  t.same(await withoutLibc.xattrs(dir), [])
  const fifo = { kind: 'fifo', mode: 0o600, device: [0, 0] } as const
  await t.rejects(withoutLibc.mknod(join(dir, 'no'), fifo), { code: 'VALIDATION_NOT_SUPPORTED' })
  await t.rejects(withoutLibc.setXattr(dir, [Buffer.from('user.a'), Buffer.alloc(1)]), {
    code: 'VALIDATION_NOT_SUPPORTED',
  })
  writeFileSync(join(dir, 'five'), 'bytes')
  const file = await withoutLibc.open(join(dir, 'five'), 'read')
  t.same(await file.nextData(2), { from: 2, to: 5 })
  t.equal(await file.nextData(5), undefined)
  await file.close()
})

t.test('without libc times come back to the µs, before and after 1970, on files and on links', async (t) => {
  const path = join(dir, 'time')
  writeFileSync(path, '')
  const link = join(dir, 'timelink')
  symlinkSync('nowhere', link)
  await fc.assert(
    fc.asyncProperty(fc.bigInt({ min: -2_000_000_000_000_000n, max: 4_000_000_000_000_000n }), async (us) => {
      for (const p of [path, link]) {
        await withoutLibc.setMtime(p, us * 1000n)
        const back = lstatSync(p, { bigint: true }).mtimeNs
        const floorUs = back / 1000n - (back % 1000n < 0n ? 1n : 0n)
        if (floorUs !== us) throw new Error(`${String(us)} µs came back as ${String(back)} ns`)
      }
    }),
    { numRuns: 200 },
  )
  t.pass('200 times')
})

t.test('what is not there is undefined, false, or an error, never a guess', async (t) => {
  const none = join(dir, 'none')
  t.equal(await disk.stat(none), undefined)
  t.equal(await disk.unlink(none), false)
  await t.rejects(disk.open(none, 'read'), { code: 'ENOENT' })
})

t.test('directories are made with those above them, and where none can be made that is an error', async (t) => {
  const deep = join(dir, 'x/y/z')
  await Promise.all([disk.mkdir(deep), disk.mkdir(Buffer.from(deep)), disk.mkdir(join(dir, 'x/y'))])
  t.equal(statSync(join(dir, 'x')).mode & 0o777, 0o700)
  await disk.mkdir(`${deep}/`)
  await disk.mkdir(dir)
  const bytes = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0xfe]), Buffer.from('/below')])
  await disk.mkdir(bytes)
  t.equal((await disk.stat(bytes))?.kind, 'directory')
  await t.rejects(disk.mkdir(join(dir, 'a')), { code: 'EEXIST' }, 'a file is there')
  await t.rejects(disk.mkdir(join(dir, 'a/b')), { code: 'ENOTDIR' })
  if (process.platform === 'linux') await t.rejects(disk.mkdir('/proc/none/below'), { code: 'ENOENT' })
})

t.test('a disk that is full is named', { skip: !existsSync('/dev/full') && 'needs /dev/full' }, async (t) => {
  const file = await disk.open('/dev/full', 'update')
  t.teardown(() => file.close())
  await t.rejects(file.write(Buffer.alloc(10), 0), { code: 'ENOSPC', path: '/dev/full' })
})

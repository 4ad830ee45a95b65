import t from 'tap'
import { mkdtempSync, statSync, symlinkSync, rmSync, writeFileSync, lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { systemDisk as disk } from '../../../src/daemon/system/index.ts'

const dir = mkdtempSync(join(tmpdir(), 'plexi-disk-'))
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

t.test('reading is bounded', async (t) => {
  writeFileSync(join(dir, 'b'), 'too long')
  await t.rejects(disk.readFile(join(dir, 'b'), 3), { code: 'VALIDATION_LIMIT' })
})

t.test('a symlink is never followed on open', async (t) => {
  symlinkSync(join(dir, 'a'), join(dir, 'link'))
  await t.rejects(disk.open(join(dir, 'link'), 'read'), { code: 'ELOOP' })
})

t.test('times come back to the µs, before and after 1970, on files and on links', async (t) => {
  const path = join(dir, 'time')
  writeFileSync(path, '')
  const link = join(dir, 'timelink')
  symlinkSync('nowhere', link)
  await fc.assert(
    fc.asyncProperty(fc.bigInt({ min: -2_000_000_000_000_000n, max: 4_000_000_000_000_000n }), async (us) => {
      for (const p of [path, link]) {
        await disk.setMtime(p, us * 1000n)
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

import t from 'tap'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareTrees } from '../../../../src/cli/offline/demo/compare-trees.ts'
import { systemDisk } from '../../../../src/daemon/system/index.ts'
import { lacks } from '../../../support/file-system.ts'
import { writeSampleData } from '../../../../src/cli/offline/demo/sample-data.ts'

const dir = mkdtempSync(join(tmpdir(), 'plexi-compare-'))
t.teardown(() => {
  rmSync(dir, { recursive: true })
})

t.test('equal trees are equal; each kind of difference is seen', async (t) => {
  const source = join(dir, 'source')
  await writeSampleData(source)
  const copy = join(dir, 'copy')
  execFileSync('cp', ['-a', source, copy])
  const same = await compareTrees(source, copy)
  t.same(same.differences, [])
  t.ok(same.files > 150 && same.links === 2 && same.bytes > 5_000_000)

  const exact = await compareTrees(source, copy, systemDisk)
  t.same(exact.differences, [], 'to the ns and with attributes too')

  const at = (name: string) => join(copy, 'documents', name)
  const spoil: [string, () => void][] = [
    [
      'run.sh: content',
      () => {
        writeFileSync(at('run.sh'), '#!/bin/sh\necho hellO\n')
      },
    ],
    [
      'private: mode',
      () => {
        chmodSync(at('private'), 0o644)
      },
    ],
    [
      'empty: time',
      () => {
        lutimesSync(at('empty'), 5, 5)
      },
    ],
    [
      'link to script: link target',
      () => {
        unlinkSync(at('link to script'))
        symlinkSync('other', at('link to script'))
      },
    ],
    [
      'dangling: kind',
      () => {
        unlinkSync(at('dangling'))
        writeFileSync(at('dangling'), '')
      },
    ],
    [
      'intruder: only in the copy',
      () => {
        writeFileSync(at('intruder'), '')
      },
    ],
    [
      'photo.raw: missing',
      () => {
        unlinkSync(at('photo.raw'))
      },
    ],
  ]
  for (const [what, change] of spoil) {
    change()
    t.match((await compareTrees(source, copy)).differences.join('\n'), what)
  }
})

t.test(
  'hard links, devices, nanoseconds and attributes count',
  { skip: lacks.exactTimes || lacks.xattrs },
  async (t) => {
    const [source, copy] = [join(dir, 'exact'), join(dir, 'exact copy')]
    mkdirSync(source)
    writeFileSync(join(source, 'a'), 'x')
    linkSync(join(source, 'a'), join(source, 'b'))
    writeFileSync(join(source, 'c'), 'x')
    execFileSync('cp', ['-a', source, copy])
    const differences = async (): Promise<string> =>
      (await compareTrees(source, copy, systemDisk)).differences.join('\n')
    t.equal(await differences(), '')

    const mtimeNs = (await systemDisk.stat(join(source, 'c')))?.mtimeNs ?? 0n
    await systemDisk.setMtime(join(copy, 'c'), mtimeNs ^ 1n)
    t.match(await differences(), /c: time/)
    t.same((await compareTrees(source, copy)).differences, [], 'without help to the µs')
    await systemDisk.setMtime(join(copy, 'c'), mtimeNs)
    await systemDisk.setXattr(join(copy, 'c'), [Buffer.from('user.a'), Buffer.from('1')])
    t.match(await differences(), /c: extended attributes/)
    await systemDisk.removeXattr(join(copy, 'c'), Buffer.from('user.a'))
    t.equal(await differences(), '')

    unlinkSync(join(copy, 'b'))
    execFileSync('cp', ['-a', join(copy, 'a'), join(copy, 'b')])
    t.match(await differences(), /b: hard links/)
    unlinkSync(join(copy, 'c'))
    linkSync(join(copy, 'b'), join(copy, 'c'))
    t.match(await differences(), /c: hard links/)
  },
)

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { chmodSync, lutimesSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareTrees } from '../../../../src/cli/offline/demo/compare-trees.ts'
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { excludeFields } from '../../src/cli/exclude-options.ts'

const dir = mkdtempSync(join(tmpdir(), 'plexi-excludes-'))
t.teardown(() => {
  rmSync(dir, { recursive: true })
})
const session = { path: (text: string) => join(dir, text) }

t.test('patterns of files follow those of the command line; comments and empty lines are none', (t) => {
  writeFileSync(join(dir, 'list'), '# a comment\r\n*.log\r\n\n!keep.log\n\\#odd\n')
  t.same(excludeFields(session, { exclude: ['*.tmp'], excludeFile: ['list'], oneFileSystem: true }), {
    exclude: ['*.tmp', '*.log', '!keep.log', '\\#odd'],
    oneFileSystem: true,
  })
  t.same(excludeFields(session, {}), {}, 'what is not asked for is not sent')
  t.throws(() => excludeFields(session, { excludeFile: ['none'] }), { code: 'VALIDATION_USAGE' })
  t.end()
})

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLogFile } from '../../../src/daemon/system/log-file.ts'

t.test('files are private, bounded, and the newest lines are in the first', async (t) => {
  const path = join(t.testdir(), 'plexichat.log')
  const file = openLogFile(path, { maxBytes: 1_000, maxOld: 2 })
  for (let i = 0; i < 100; i++) file.write(`line ${String(i).padStart(3, '0')} ${'x'.repeat(80)}`)
  file.close()
  for (const name of [path, `${path}.1`, `${path}.2`]) {
    t.ok(statSync(name).size <= 1_000)
    t.equal(statSync(name).mode & 0o777, 0o600)
  }
  t.notOk(existsSync(`${path}.3`))
  t.match(readFileSync(path, 'utf8'), /line 099/)
})

t.test('goes on where the last run stopped; a line longer than the bound still gets in', async (t) => {
  const path = join(t.testdir(), 'plexichat.log')
  const first = openLogFile(path, { maxBytes: 100, maxOld: 1 })
  first.write('one')
  first.close()
  const second = openLogFile(path, { maxBytes: 100, maxOld: 1 })
  second.write('two')
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  second.write('y'.repeat(500))
  second.close()
  t.equal(readFileSync(path, 'utf8').length, 501)
  t.equal(readFileSync(`${path}.1`, 'utf8'), 'one\ntwo\n')
})

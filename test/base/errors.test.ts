import t from 'tap'
import { errorTable, type ErrorCode } from '../../src/base/error-table.ts'
import { isPlexiError, PlexiError, toPlexiError } from '../../src/base/errors.ts'

t.test('every code has a known family, an exit code of the contract, a status and texts', (t) => {
  const exits = new Set([1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 130])
  for (const [code, entry] of Object.entries(errorTable)) {
    t.match(code, /^(AUTH|VALIDATION|STORAGE|NETWORK|CHAT|CONFIG|SECURITY|SYSTEM)_[A-Z0-9_]+$/)
    t.ok(exits.has(entry.exit), `${code} exits ${String(entry.exit)}`)
    t.ok(entry.http >= 200 && entry.http < 600, code)
    for (const text of [entry.title, entry.why, entry.remedy]) t.ok(text.length > 3, code)
  }
  t.end()
})

t.test('details fill the texts, on one line and bounded, whatever a peer put into them', (t) => {
  const error = new PlexiError('NETWORK_UNREACHABLE', { peer: `evil\u001b[31m\n${'x'.repeat(10_000)}` })
  t.notMatch(error.message, /[\u0000-\u001f]/)
  t.ok(error.message.length < 600)
  t.match(error.remedy, 'plexichat peers ping evil')
  t.end()
})

t.test('what is counted is one or many', (t) => {
  t.equal(new PlexiError('STORAGE_PARTIAL', { count: 1 }).message, '1 item could not be read')
  t.equal(new PlexiError('STORAGE_PARTIAL', { count: 1200 }).message, '1,200 items could not be read')
  t.equal(new PlexiError('STORAGE_PARTIAL').message, 'count items could not be read')
  t.end()
})

t.test('foreign errors get a code and keep their cause', (t) => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  const cases: [unknown, ErrorCode][] = [
    [full, 'STORAGE_DISK_FULL'],
    [Object.assign(new Error('io'), { code: 'EIO' }), 'STORAGE_IO'],
    [new DOMException('stop', 'AbortError'), 'SYSTEM_INTERRUPTED'],
    [new Error('boom'), 'SYSTEM_UNEXPECTED'],
    ['text', 'SYSTEM_UNEXPECTED'],
  ]
  for (const [thrown, code] of cases) t.ok(isPlexiError(toPlexiError(thrown), code), code)
  t.equal(toPlexiError(full).cause, full)
  const gone = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: '/words' })
  t.equal(toPlexiError(gone).message, 'not found: /words')
  const denied = { code: 'EACCES', syscall: 'mkdir', path: '/x' }
  t.equal(toPlexiError(Object.assign(new Error('EACCES: no'), denied)).message, 'permission denied: mkdir /x')
  t.equal(toPlexiError(full).message, 'the disk is full')
  t.equal(toPlexiError(Object.assign(full, { path: '/mnt/x' })).message, 'the disk of /mnt/x is full')
  const own = new PlexiError('STORAGE_IO')
  t.equal(toPlexiError(own), own)
  t.end()
})

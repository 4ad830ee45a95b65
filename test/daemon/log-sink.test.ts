import t from 'tap'
import { PlexiError } from '../../src/base/errors.ts'
import { createLogger } from '../../src/daemon/log-sink.ts'

function capture() {
  const lines: Record<string, unknown>[] = []
  const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>), close() {} }
  return { lines, handle: createLogger('info', sink) }
}

t.test('JSON lines with level, time and fields', async (t) => {
  const { lines, handle } = capture()
  handle.log.child({ room: 'node' }).info('started', { port: 7 })
  handle.log.debug('not now')
  handle.setLevel('debug')
  handle.log.debug('now')
  t.match(lines, [{ level: 'info', room: 'node', port: 7, msg: 'started', time: /^\d{4}-.*Z$/ }, { msg: 'now' }])
  t.equal(lines.length, 2)
})

t.test('no secret gets in, at any depth', async (t) => {
  const { lines, handle } = capture()
  const words = 'abandon '.repeat(24)
  handle.log.info('x', {
    phrase: words,
    circleKey: 'hush',
    keys: { sign: 'hush' },
    nested: { deep: [{ inviteCode: 'hush', apiToken: 'hush', passphrase: 'hush', bytes: Buffer.from('hush') }] },
    error: new PlexiError('AUTH_FORBIDDEN', { reason: 'no', token: 'hush' }),
  })
  handle.log.child({ authorization: 'hush' }).warn('y')
  const text = JSON.stringify(lines)
  t.notMatch(text, /hush|abandon/)
  t.match(text, /AUTH_FORBIDDEN/)
})

t.test('long texts, deep and wide values are bounded', async (t) => {
  const { lines, handle } = capture()
  const deep: { inner?: unknown } = {}
  let at = deep
  for (let i = 0; i < 100; i++) at = at.inner = {}
  handle.log.info('x', { long: 'y'.repeat(100_000), deep, wide: Array.from({ length: 10_000 }, (_, i) => i), big: 5n })
  t.ok(JSON.stringify(lines).length < 5_000)
})

t.test('bugs keep their stack, expected errors do not need one', async (t) => {
  const { lines, handle } = capture()
  handle.log.error('x', { error: new TypeError('oops'), known: new PlexiError('STORAGE_IO', { reason: 'r' }) })
  t.match(lines[0], { error: { name: 'TypeError', stack: /log-sink\.test/ }, known: { code: 'STORAGE_IO' } })
  t.notOk(JSON.stringify(lines[0]?.['known']).includes('stack'))
})

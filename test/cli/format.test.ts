/** Numbers for people: no surprise at any boundary, never more certainty than there is. */
import * as fc from 'fast-check'
import t from 'tap'
import { ago, count, counted, duration, modeText, percent, printable, size, timestamp } from '../../src/cli/format.ts'

t.test('sizes', async (t) => {
  for (const [bytes, text] of [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [1_503_238_553, '1.4 GiB'],
    [150 * 2 ** 30, '150 GiB'],
  ] as const)
    t.equal(size(bytes), text)
  fc.assert(fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => /^\d{1,4}(\.\d)? ([KMGTP]i)?B$/.test(size(bytes))))
})

t.test('probabilities are never rounded up', async (t) => {
  t.equal(percent(null), 'unknown')
  t.equal(percent(1), '100 %')
  t.equal(percent(0), '0 %')
  t.equal(percent(0.9999), '99.99 %')
  t.equal(percent(0.999998), '99.9998 %')
  t.equal(percent(0.5), '50 %')
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (p) => {
      const shown = Number(percent(p).replace(' %', '')) / 100
      return shown <= p + 1e-11 && shown < 1
    }),
  )
})

t.test('times', async (t) => {
  const now = Date.parse('2026-01-02T00:00:00Z')
  t.equal(ago(null, now), 'never')
  t.equal(ago('2026-01-01T23:59:58Z', now), 'just now')
  t.equal(ago('2026-01-01T23:55:00Z', now), '5 min ago')
  t.equal(ago('2025-12-25T00:00:00Z', now), '8 days ago')
  t.equal(ago('2026-01-09T00:00:00Z', now), 'in 7 days')
  t.equal(duration(1234), '1.2 s')
  t.equal(duration(95_000), '1 min 35 s')
  t.equal(timestamp('2026-01-02T03:04:05.678Z'), '2026-01-02 03:04:05')
})

t.test('counts and modes', async (t) => {
  t.equal(count(1_234_567), '1,234,567')
  t.equal(counted(1, 'file'), '1 file')
  t.equal(counted(2, 'directory', 'directories'), '2 directories')
  t.equal(modeText('dir', 0o755), 'drwxr-xr-x')
  t.equal(modeText('file', 0o640), '-rw-r-----')
})

t.test('names from elsewhere cannot drive the terminal', async (t) => {
  t.equal(printable('a\u001b[31mb\u202ec\r\n'), 'a\\u001b[31mb\\u202ec\\u000d\\u000a')
  t.equal(printable('Jürgen 日本 🙂'), 'Jürgen 日本 🙂')
})

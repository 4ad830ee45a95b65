import fc from 'fast-check'
import t from 'tap'
import { bytesText, durationText, parseBytes, parseDuration } from '../../src/config/quantity.ts'

t.test('sizes and durations', async (t) => {
  t.equal(parseBytes('50GiB'), 50 * 2 ** 30)
  t.equal(parseBytes('1.5 tb'), 1.5e12)
  t.equal(parseBytes('4096'), 4096)
  t.equal(parseDuration('10m'), 600_000)
  t.equal(parseDuration('0'), 0)
  t.equal(parseDuration('1.5h'), 5_400_000)
  for (const bad of ['', 'GiB', '-1', '1 GiBs', '1e9', '0x10', '9999999999 TiB']) t.throws(() => parseBytes(bad), bad)
  for (const bad of ['10', '10 minutes', '-1s']) t.throws(() => parseDuration(bad), bad)
})

t.test('what is printed reads back as the same number', async () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), (value) => {
      return parseBytes(bytesText(value)) === value && parseDuration(durationText(value)) === value
    }),
  )
})

/** The `--keep-*` rules against a table of cases worked out by hand, and their laws against random histories. */
import fc from 'fast-check'
import t from 'tap'
import { applyPolicy, isEmpty, type Retained, type RetentionPolicy } from '../../../src/backup/retention/policy.ts'

const when = { now: Date.parse('2016-02-01T00:00:00Z'), timeZone: 'UTC' }

/** One snapshot per time, named by it. */
function history(...times: string[]): Retained[] {
  return times.map((text) => {
    const [at = '', ...tags] = text.split(' #')
    return { id: at, time: Date.parse(`${at.replace(' ', 'T')}:00Z`), tags }
  })
}

const winter = history(
  '2014-09-01 10:20',
  '2014-09-02 10:20 #foo',
  '2014-11-22 10:20 #foo #bar',
  '2015-08-21 10:20',
  '2015-09-08 10:20',
  '2015-10-22 10:10',
  '2015-10-22 10:20',
  '2015-11-15 10:20',
  '2016-01-01 01:02',
  '2016-01-04 10:23',
  '2016-01-04 11:23',
  '2016-01-04 16:23',
  '2016-01-12 21:02',
  '2016-01-12 21:08',
  '2016-01-18 12:02',
)

const cases: readonly (readonly [name: string, policy: RetentionPolicy, kept: readonly string[]])[] = [
  ['the last ones', { keepLast: 2 }, ['2016-01-18 12:02', '2016-01-12 21:08']],
  ['more than there are', { keepLast: 99 }, winter.map(({ id }) => id).toReversed()],
  ['unlimited', { keepLast: -1 }, winter.map(({ id }) => id).toReversed()],
  ['the last of each hour', { keepHourly: 3 }, ['2016-01-18 12:02', '2016-01-12 21:08', '2016-01-04 16:23']],
  [
    'the last of each day',
    { keepDaily: 4 },
    ['2016-01-18 12:02', '2016-01-12 21:08', '2016-01-04 16:23', '2016-01-01 01:02'],
  ],
  [
    'the last of each week; weeks begin on Monday and the first of January lies in week 53',
    { keepWeekly: 5 },
    ['2016-01-18 12:02', '2016-01-12 21:08', '2016-01-04 16:23', '2016-01-01 01:02', '2015-11-15 10:20'],
  ],
  ['the last of each month', { keepMonthly: 3 }, ['2016-01-18 12:02', '2015-11-15 10:20', '2015-10-22 10:20']],
  [
    'the last of each year, and the oldest while there is room',
    { keepYearly: 10 },
    ['2016-01-18 12:02', '2015-11-15 10:20', '2014-11-22 10:20', '2014-09-01 10:20'],
  ],
  ['no room for the oldest', { keepYearly: 3 }, ['2016-01-18 12:02', '2015-11-15 10:20', '2014-11-22 10:20']],
  [
    'unlimited years keep the oldest',
    { keepYearly: -1 },
    ['2016-01-18 12:02', '2015-11-15 10:20', '2014-11-22 10:20', '2014-09-01 10:20'],
  ],
  ['rules add up', { keepDaily: 2, keepMonthly: 2 }, ['2016-01-18 12:02', '2016-01-12 21:08', '2015-11-15 10:20']],
  [
    'within is relative to the newest',
    { keepWithin: '6d' },
    ['2016-01-18 12:02', '2016-01-12 21:08', '2016-01-12 21:02'],
  ],
  ['a narrow window', { keepWithin: '5d14h' }, ['2016-01-18 12:02']],
  [
    'within, by the calendar',
    { keepWithin: '2m3d' },
    winter
      .filter(({ id }) => id >= '2015-11-15 12')
      .map(({ id }) => id)
      .toReversed(),
  ],
  ['daily within', { keepWithinDaily: '14d13h' }, ['2016-01-18 12:02', '2016-01-12 21:08', '2016-01-04 16:23']],
  [
    'monthly within',
    { keepWithinMonthly: '1y' },
    ['2016-01-18 12:02', '2015-11-15 10:20', '2015-10-22 10:20', '2015-09-08 10:20', '2015-08-21 10:20'],
  ],
  ['a tag', { keepTags: [['foo']] }, ['2014-11-22 10:20', '2014-09-02 10:20']],
  ['all tags of a list', { keepTags: [['foo', 'bar']] }, ['2014-11-22 10:20']],
  ['any of the lists', { keepTags: [['bar'], ['foo']] }, ['2014-11-22 10:20', '2014-09-02 10:20']],
  ['tags cost no count', { keepLast: 1, keepTags: [['bar']] }, ['2016-01-18 12:02', '2014-11-22 10:20']],
]

for (const [name, policy, kept] of cases)
  t.test(name, (t) => {
    const verdict = applyPolicy(winter, policy, when)
    t.same(
      verdict.kept.map(({ snapshot }) => snapshot.id),
      kept,
    )
    t.equal(verdict.kept.length + verdict.removed.length, winter.length)
    t.end()
  })

t.test('reasons name the rules that keep it', (t) => {
  const { kept } = applyPolicy(winter, { keepLast: 1, keepDaily: 1, keepYearly: 9, keepTags: [['bar']] }, when)
  t.same(
    kept.map(({ snapshot, reasons }) => [snapshot.id, reasons]),
    [
      ['2016-01-18 12:02', ['last snapshot', 'daily snapshot', 'yearly snapshot']],
      ['2015-11-15 10:20', ['yearly snapshot']],
      ['2014-11-22 10:20', ['has tags bar', 'yearly snapshot']],
      ['2014-09-01 10:20', ['oldest yearly snapshot']],
    ],
  )
  t.end()
})

t.test('a policy of nothing keeps everything and is told apart', (t) => {
  for (const policy of [{}, { keepLast: 0, keepDaily: 0 }, { keepWithin: '0d' }, { keepTags: [] }]) {
    t.ok(isEmpty(policy))
    t.equal(applyPolicy(winter, policy, when).removed.length, 0)
  }
  t.notOk(isEmpty({ keepTags: [['x']] }))
  t.throws(() => applyPolicy(winter, { keepWithin: '3 days' }, when), { code: 'VALIDATION_USAGE' })
  t.throws(() => applyPolicy(winter, { keepLast: -2 }, when), { code: 'VALIDATION_USAGE' })
  t.end()
})

t.test('a clock that was ahead does not move the window', (t) => {
  const list = [...history('2016-01-20 10:00', '2016-01-10 10:00'), ...history('2031-01-01 00:00')]
  const { kept } = applyPolicy(list, { keepWithin: '5d' }, when)
  t.same(
    kept.map(({ snapshot }) => snapshot.id),
    ['2031-01-01 00:00', '2016-01-20 10:00'],
  )
  t.end()
})

t.test('days are those of the time zone, also where clocks are changed', (t) => {
  const list = history('2016-01-10 23:30', '2016-01-10 22:30', '2016-01-10 21:30')
  const kept = (timeZone: string): number => applyPolicy(list, { keepDaily: 9 }, { ...when, timeZone }).kept.length
  t.equal(kept('UTC'), 2, 'the newest and, as there is room, the oldest')
  t.equal(kept('Europe/Berlin'), 3, 'the newest lies in another day')
  // Clocks went forward on March 29 at 2 o'clock: a day before noon of that day is noon of the day before.
  const spring = history('2015-03-29 10:00', '2015-03-28 11:01', '2015-03-28 10:59')
  const within = applyPolicy(spring, { keepWithin: '1d' }, { ...when, timeZone: 'Europe/Berlin' })
  t.same(
    within.kept.map(({ snapshot }) => snapshot.id),
    ['2015-03-29 10:00', '2015-03-28 11:01'],
  )
  t.end()
})

const count = fc.option(fc.integer({ min: -1, max: 12 }), { nil: undefined })
const span = fc.option(fc.constantFrom('1h', '3d', '2m', '1y', '1y2m3d4h'), { nil: undefined })
const policies = fc
  .record({
    keepLast: count,
    keepHourly: count,
    keepDaily: count,
    keepWeekly: count,
    keepMonthly: count,
    keepYearly: count,
    keepWithin: span,
    keepWithinDaily: span,
    keepWithinMonthly: span,
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as RetentionPolicy)
const histories = fc
  .array(fc.integer({ min: Date.parse('2012-01-01'), max: Date.parse('2016-01-31') }), { maxLength: 60 })
  .map((times) => times.map((time, i) => ({ id: String(i), time, tags: [] as string[] })))
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia')

t.test('laws', (t) => {
  const ids = (policy: RetentionPolicy, list: readonly Retained[], timeZone: string): Set<string> =>
    new Set(applyPolicy(list, policy, { ...when, timeZone }).kept.map(({ snapshot }) => snapshot.id))
  fc.assert(
    fc.property(histories, policies, zones, (list, policy, zone) => {
      const { kept, removed } = applyPolicy(list, policy, { ...when, timeZone: zone })
      const all = [...kept.map(({ snapshot }) => snapshot), ...removed]
      // Each snapshot is kept or removed.
      if (all.length !== list.length || !list.every((one) => all.includes(one))) return false
      const counts = [
        policy.keepLast,
        policy.keepHourly,
        policy.keepDaily,
        policy.keepWeekly,
        policy.keepMonthly,
        policy.keepYearly,
      ]
      // The newest survives every rule that counts or spans.
      if (list.length > 0 && !isEmpty(policy) && kept.length === 0) return false
      // No more than the counts add up to, where nothing is unlimited or by time.
      const onlyCounts = policy.keepWithin ?? policy.keepWithinDaily ?? policy.keepWithinMonthly
      if (onlyCounts === undefined && !isEmpty(policy) && !counts.includes(-1))
        return kept.length <= counts.reduce<number>((sum, one) => sum + (one ?? 0), 0)
      return true
    }),
    { numRuns: 150, seed: 1 },
  )
  fc.assert(
    fc.property(histories, policies, policies, zones, (list, a, b, zone) => {
      if (isEmpty(a)) return true
      // Applied again to what it kept, it keeps at least the newest of every period: nothing it would still want is gone.
      const once = list.filter(({ id }) => ids(a, list, zone).has(id))
      const twice = ids(a, once, zone)
      if (once.some(({ id }) => !twice.has(id))) return false
      // More rules never keep less.
      const both = { ...b, ...a }
      const more = ids(both, list, zone)
      return [...ids(a, list, zone)].every((id) => more.has(id))
    }),
    { numRuns: 150, seed: 2 },
  )
  t.pass('hold for 300 histories')
  t.end()
})

import t from 'tap'
import { DAY, HOUR, MINUTE } from '../../../src/base/clock.ts'
import { cronTimes, NEVER } from '../../../src/daemon/schedule/cron.ts'
import { planAfter, verdictOn } from '../../../src/daemon/schedule/plan.ts'

const at = (text: string): number => Date.parse(text)
const times = (cron: string, zone: string, from: string, count: number): string[] => {
  const named = cronTimes(cron, zone)
  const found: string[] = []
  for (let time = at(from); found.length < count; found.push(new Date(time).toISOString())) time = named.after(time)
  return found
}
const none = { ms: 0, chance: () => 0 }

t.test('summer time: a time in the gap is the first after it, one that comes twice counts once', async (t) => {
  t.same(times('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
  t.same(times('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
  const quarters = times('*/15 * * * *', 'Europe/Berlin', '2026-10-24T23:50:00Z', 12).map(at)
  t.ok(
    quarters.every((time, i) => i === 0 || time - (quarters[i - 1] ?? 0) === 15 * MINUTE),
    'an interval goes on through both hours',
  )
})

t.test('zones differ, names are taken', async (t) => {
  t.same(times('@daily', 'Asia/Kolkata', '2026-01-01T00:00:00Z', 1), ['2026-01-01T18:30:00.000Z'])
  t.same(times('0 9 * * MON', 'UTC', '2026-01-01T00:00:00Z', 1), ['2026-01-05T09:00:00.000Z'])
})

t.test('what is no expression, no zone, no time is told clearly', async (t) => {
  for (const [cron, zone, reason] of [
    ['61 * * * *', 'UTC', /"61 \* \* \* \*" is no cron expression \(Invalid value for minute: 61\)/],
    ['* * * *', 'UTC', /five fields are needed/],
    ['* * * * * *', 'UTC', /five fields are needed/],
    ['', 'UTC', /five fields are needed/],
    ['2026-01-01T00:00:00', 'UTC', /five fields are needed/],
    ['@sometimes', 'UTC', /is no cron expression/],
    ['0 0 * * FOO', 'UTC', /illegal characters/],
    ['@daily', 'Mars/Olympus', /no time zone "Mars\/Olympus"; expected a name such as Europe\/Berlin/],
  ] as const)
    t.throws(() => cronTimes(cron, zone), { code: 'VALIDATION_USAGE', message: reason }, cron)
  t.equal(cronTimes('0 0 30 2 *', 'UTC').after(0), NEVER)
  t.same(planAfter(cronTimes('0 0 30 2 *', 'UTC'), 5, none), { planned: 5, slot: NEVER, due: NEVER })
})

t.test('jitter never reaches the time after', async (t) => {
  const hourly = cronTimes('0 * * * *', 'UTC')
  const highest = (below: number): number => below - 1
  const now = at('2026-01-01T00:30:00Z')
  t.equal(planAfter(hourly, now, { ms: 10 * MINUTE, chance: highest }).due, at('2026-01-01T01:10:00Z'))
  t.equal(planAfter(hourly, now, { ms: DAY, chance: highest }).due, at('2026-01-01T01:59:59.999Z'))
})

t.test('a clock set forward makes a run due, one set back little nothing, one set back far a new plan', async (t) => {
  const now = at('2026-01-01T02:00:00Z')
  const plan = planAfter(cronTimes('0 2 * * *', 'UTC'), now, none)
  t.equal(plan.slot, now + DAY, 'the time that is now has been')
  t.equal(verdictOn(plan, now), 'wait')
  t.equal(verdictOn(plan, now + 400 * DAY), 'due')
  t.equal(verdictOn(plan, now - MINUTE), 'wait')
  t.equal(verdictOn(plan, now - 2 * HOUR), 'plan again')
})

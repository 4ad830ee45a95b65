/**
 * Hours, days, weeks of a time zone. Pure: the zone is given by name. Weeks are those of ISO 8601, Monday to Sunday.
 * Invariant: two instants have equal numbers exactly when they lie in the same hour, day, week, month, year there.
 */
import { DAY, HOUR } from '../../base/clock.ts'
import type { Span } from './span.ts'

export interface Calendar {
  hour(time: number): number
  day(time: number): number
  week(time: number): number
  month(time: number): number
  year(time: number): number
  /** The instant that lies `span` before: years, months and days by the calendar at the same time of day, then hours. */
  before(time: number, span: Span): number
}

const THURSDAY = 4

export function calendarIn(timeZone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  /** What clocks there show, as if it were UTC. */
  const wall = (time: number): Date => {
    const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const year = part['era'] === 'BC' ? 1 - Number(part['year']) : Number(part['year'])
    const date = new Date(0)
    date.setUTCFullYear(year, Number(part['month']) - 1, Number(part['day']))
    date.setUTCHours(Number(part['hour']), Number(part['minute']), Number(part['second']))
    return date
  }
  const day = (at: Date): number => (at.getUTCFullYear() * 100 + at.getUTCMonth() + 1) * 100 + at.getUTCDate()
  return {
    hour: (time) => day(wall(time)) * 100 + wall(time).getUTCHours(),
    day: (time) => day(wall(time)),
    week: (time) => isoWeek(wall(time)),
    month: (time) => wall(time).getUTCFullYear() * 100 + wall(time).getUTCMonth() + 1,
    year: (time) => wall(time).getUTCFullYear(),
    before(time, { years, months, days, hours }) {
      const shown = wall(time)
      const offset = shown.getTime() - Math.floor(time / 1000) * 1000
      const then = new Date(shown)
      then.setUTCFullYear(shown.getUTCFullYear() - years, shown.getUTCMonth() - months, shown.getUTCDate() - days)
      // The zone's offset may have been another one then.
      const guess = then.getTime() - offset
      const instant = then.getTime() - (wall(guess).getTime() - guess)
      return instant + (((time % 1000) + 1000) % 1000) - hours * HOUR
    },
  }
}

/** Year of the week's Thursday, and the number of the week in it. */
function isoWeek(at: Date): number {
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate())
  const thursday = new Date(midnight + (THURSDAY - (at.getUTCDay() || 7)) * DAY)
  const first = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  return thursday.getUTCFullYear() * 100 + Math.floor((thursday.getTime() - first) / (7 * DAY)) + 1
}

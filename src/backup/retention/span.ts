/** Spans of calendar time as people write them: `1y5m7d2h`. Months and days are counted by the calendar. */
import { PlexiError } from '../../base/errors.ts'

export interface Span {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

const units = { y: 'years', m: 'months', d: 'days', h: 'hours' } as const
const form = /^(\d{1,6}[ymdh]){1,4}$/

/** Throws `VALIDATION_USAGE`. */
export function parseSpan(text: string): Span {
  const span = { years: 0, months: 0, days: 0, hours: 0 }
  if (!form.test(text))
    throw new PlexiError('VALIDATION_USAGE', { reason: `not a span of time: "${text}"; write it like 1y5m7d2h` })
  for (const [, number, unit] of text.matchAll(/(\d+)([ymdh])/g))
    span[units[unit as keyof typeof units]] = Number(number)
  return span
}

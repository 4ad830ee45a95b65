/**
 * Cron expressions: croner says which times an expression names, nothing of it ever waits. Where the clocks go forward a
 * fixed time in the gap is the first one after it; where they go back it is named once. Spec: docs/AUTOMATION.md
 */
import { Cron } from 'croner'
import { PlexiError } from '../../base/errors.ts'

/** No time any more. */
export const NEVER = 8_640_000_000_000_000

export interface CronTimes {
  /** The first time named after `from`, both in milliseconds since 1970; `NEVER` where there is none. */
  after(from: number): number
}

/** Throws `VALIDATION_USAGE` for what is no expression of five fields, no time zone, or names no time. */
export function cronTimes(expression: string, zone: string): CronTimes {
  checkZone(zone)
  // croner would also take a date, which is no expression.
  if (!/^(@\w+|\S+(\s+\S+){4})$/.test(expression.trim()))
    throw malformed(expression, 'five fields are needed: minute hour day month weekday')
  try {
    const cron = new Cron(expression.trim(), { timezone: zone, mode: '5-part' })
    return { after: (from) => cron.nextRun(new Date(from))?.getTime() ?? NEVER }
  } catch (error) {
    throw malformed(expression, reasonOf(error))
  }
}

export function checkZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
  } catch (error) {
    throw new PlexiError(
      'VALIDATION_USAGE',
      { reason: `no time zone "${zone}"; expected a name such as Europe/Berlin or UTC` },
      { cause: error },
    )
  }
}

/** That of this machine. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

function malformed(expression: string, reason: string): PlexiError {
  return new PlexiError('VALIDATION_USAGE', {
    reason: `"${expression}" is no cron expression (${reason}); such as "30 2 * * *" for 02:30 every day`,
  })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
}

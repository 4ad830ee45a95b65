/**
 * When a schedule runs next, and what the wall clock's jumps mean for it. Pure. Invariants: however many times were
 * missed, one run makes up for them; a clock set back a little repeats nothing, one set back far starts planning anew.
 */
import { HOUR } from '../../base/clock.ts'
import { NEVER, type CronTimes } from './cron.ts'

/** All in milliseconds since 1970. */
export interface Plan {
  /** When it was made. */
  readonly planned: number
  /** The time the expression names. */
  readonly slot: number
  /** With jitter. */
  readonly due: number
}

/** Clocks that are put right by less do not repeat what ran already. */
const SET_BACK_MS = HOUR

/** `chance` yields a whole number in [0, below). */
export function planAfter(
  times: CronTimes,
  now: number,
  jitter: { readonly ms: number; readonly chance: (below: number) => number },
): Plan {
  const slot = times.after(now)
  if (slot === NEVER) return { planned: now, slot, due: NEVER }
  // Later than the time after it is never meant.
  const room = Math.min(jitter.ms, times.after(slot) - slot - 1)
  return { planned: now, slot, due: slot + (room > 0 ? jitter.chance(room + 1) : 0) }
}

export function verdictOn(plan: Plan, now: number): 'wait' | 'due' | 'plan again' {
  if (now < plan.planned - SET_BACK_MS) return 'plan again'
  return now >= plan.due ? 'due' : 'wait'
}

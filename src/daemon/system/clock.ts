/** The real clock. One of the few places where the runtime's own time and timers may be used. */
import { setTimeout as wait } from 'node:timers/promises'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../base/clock.ts'

/** Timers of the runtime wrap around beyond 2³¹−1 ms; longer waits are split. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async sleep(ms, signal) {
    let left = Math.max(0, ms)
    do {
      const step = Math.min(left, LONGEST_TIMER_MS)
      try {
        await wait(step, undefined, signal === undefined ? {} : { signal })
      } catch (error) {
        throw (signal?.reason ?? error) as Error
      }
      left -= step
    } while (left > 0)
  },
}

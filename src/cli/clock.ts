/** The CLI's clock: what a person at a terminal waits for is real time. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

export const cliClock: Clock = {
  // eslint-disable-next-line no-restricted-properties -- commands run in real time only
  now: () => Date.now(),
  elapsed: () => process.uptime() * 1000,
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      throw (signal?.reason ?? error) as Error
    }
  },
}

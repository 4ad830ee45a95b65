/** Bounds of telling others. */
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'

export interface NotifyOptions {
  readonly firstPauseMs: number
  readonly maxPauseMs: number
  /** A message that failed this often is given up. */
  readonly attempts: number
  readonly webhookTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly maxTargets: number
}

export const notifyDefaults: NotifyOptions = {
  firstPauseMs: 30 * SECOND,
  maxPauseMs: 6 * HOUR,
  attempts: 12,
  webhookTimeoutMs: 15 * SECOND,
  commandTimeoutMs: MINUTE,
  maxTargets: 32,
}

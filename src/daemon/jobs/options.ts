/** Bounds of jobs, with their reasons. */
import { MINUTE, SECOND } from '../../base/clock.ts'

export interface JobOptions {
  /** Jobs that wait for their turn; more are refused with `SYSTEM_BUSY`. */
  readonly maxQueued: number
  /** Ended jobs kept; the oldest go first. */
  readonly maxEnded: number
  /** Notes kept of one job; later ones are counted only. */
  readonly maxNotes: number
  /** A `stdin` job whose input has not begun by then fails. */
  readonly inputTimeoutMs: number
  /** What could not be written down is tried again this often. */
  readonly recordRetryMs: number
}

export const jobDefaults: JobOptions = {
  maxQueued: 100,
  maxEnded: 500,
  maxNotes: 200,
  inputTimeoutMs: 2 * MINUTE,
  recordRetryMs: 15 * SECOND,
}

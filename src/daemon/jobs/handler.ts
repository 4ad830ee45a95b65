/** What a kind of job does. The runner knows nothing of backups; handlers know nothing of tables and queues. */
import type { JobEvent } from '../../api/index.ts'

/** Events a handler may send; how a job ends is told by returning or throwing. */
export type WorkEvent = Exclude<JobEvent, { type: 'summary' | 'error' }>
export type Summary = Record<string, unknown>

export interface JobContext {
  readonly id: string
  readonly request: unknown
  /** Milliseconds since 1970, when the job was first begun, if an earlier run of the daemon did not finish it. */
  readonly begunBefore: number | null
  /** Fires when the job is cancelled or the daemon stops. */
  readonly signal: AbortSignal
  emit(event: WorkEvent): void
  /** What comes in through `input`, for jobs that stream. */
  readonly input: AsyncIterable<Uint8Array>
}

export interface JobHandler {
  /** Runs while no other job of its kind does. `pending`: go on in `settle`, which may take days and blocks nobody. */
  run(context: JobContext): Promise<{ readonly summary: Summary; readonly pending: boolean }>
  /** Waits until what `run` left open is done. Called again after a restart, with the newest summary it had reached. */
  settle?(context: JobContext, reached: Summary): Promise<Summary>
}

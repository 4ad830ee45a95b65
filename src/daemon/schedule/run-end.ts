/** What a job's state says about the run that it is. Pure. */
import type { BackupSummary } from '../../api/index.ts'
import type { JobRow } from '../jobs/store.ts'
import type { RunEnd } from './schedule-store.ts'
import { counted } from '../../base/text.ts'

/** Undefined while it goes on. A snapshot that is safe here ends the run; placing it may take days. */
export function runEndOf(job: JobRow | undefined, now: number): RunEnd | undefined {
  const ended = job?.ended ?? now
  if (job === undefined) return failed(ended, 'SYSTEM_JOB_NOT_FOUND', 'its job is not known any more')
  switch (job.state) {
    case 'queued':
    case 'running':
      return undefined
    case 'failed':
      return failed(ended, job.error?.code ?? 'SYSTEM_UNEXPECTED', job.error?.message ?? 'it failed')
    case 'cancelled':
      return { state: 'cancelled', ended, snapshot: null, code: 'SYSTEM_INTERRUPTED', text: 'cancelled' }
    case 'waiting':
    case 'done': {
      const { snapshot, skipped } = job.summary as BackupSummary
      if (skipped.length === 0) return { state: 'ok', ended, snapshot, code: null, text: null }
      const text = `${counted(skipped.length, 'item')} could not be read, ${skipped[0]?.path ?? ''} among them`.slice(
        0,
        1_000,
      )
      return { state: 'partial', ended, snapshot, code: 'STORAGE_PARTIAL', text }
    }
  }
}

function failed(ended: number, code: string, text: string): RunEnd {
  return { state: 'failed', ended, snapshot: null, code, text: text.slice(0, 1_000) }
}

/** A backup's request becomes a job, whoever asks: a person or a schedule. */
import type { BackupRequest, Job } from '../../api/index.ts'
import type { SourceBook } from '../schedule/source-book.ts'
import type { JobRunner } from './runner.ts'
import { checkSelection, selectionText } from './selection.ts'

export interface SubmitDeps {
  readonly jobs: Pick<JobRunner, 'submit'>
  readonly sources: Pick<SourceBook, 'expand'>
}

/** As the job keeps it. `unattended`: nobody waits for it, so it ends once it is safe here; placing goes on by itself. */
export type BackupJobRequest = BackupRequest & { readonly unattended?: boolean }

/** Throws `VALIDATION_USAGE`, `STORAGE_SOURCE_NOT_FOUND`, `SYSTEM_BUSY`. */
export function submitBackup({ jobs, sources }: SubmitDeps, asked: BackupJobRequest): Job {
  const request = asked.source === undefined ? asked : sources.expand(asked)
  checkSelection(request)
  const text = selectionText(request)
  const what = request.source === undefined ? text : `${request.source} (${text})`
  return jobs.submit('backup', {
    title: `${request.dryRun ? 'estimate' : 'back up'} ${what}`.slice(0, 300),
    request,
    streams: request.stdin !== undefined,
  })
}

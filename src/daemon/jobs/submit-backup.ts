/** A backup's request becomes a job, whoever asks: a person or a schedule. */
import { isAbsolute } from 'node:path'
import type { BackupRequest, Job } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import type { SourceBook } from '../schedule/source-book.ts'
import type { JobRunner } from './runner.ts'

export interface SubmitDeps {
  readonly jobs: Pick<JobRunner, 'submit'>
  readonly sources: Pick<SourceBook, 'expand'>
}

/** Throws `VALIDATION_USAGE`, `STORAGE_SOURCE_NOT_FOUND`, `SYSTEM_BUSY`. */
export function submitBackup({ jobs, sources }: SubmitDeps, asked: BackupRequest): Job {
  const request = asked.source === undefined ? asked : sources.expand(asked)
  if ((request.stdin === undefined) === (request.paths.length === 0))
    throw new PlexiError('VALIDATION_USAGE', { reason: 'name paths to back up, or a stream with --stdin, not both' })
  const relative = request.paths.find((path) => !isAbsolute(path))
  if (relative !== undefined) throw new PlexiError('VALIDATION_USAGE', { reason: `not an absolute path: ${relative}` })
  const paths = request.stdin === undefined ? request.paths.join(', ') : `stdin as ${request.stdin}`
  const what = request.source === undefined ? paths : `${request.source} (${paths})`
  return jobs.submit('backup', {
    title: `${request.dryRun ? 'estimate' : 'back up'} ${what}`.slice(0, 300),
    request,
    streams: request.stdin !== undefined,
  })
}

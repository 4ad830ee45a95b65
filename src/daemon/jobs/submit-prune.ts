/** Starting a prune. */
import type { Job } from '../../api/index.ts'
import type { PruneRequest } from '../../backup/index.ts'
import type { JobRunner } from './runner.ts'

/** One that waits for other devices gives way: it has nothing left to do that a new one does not do. */
export async function submitPrune(jobs: JobRunner, request: PruneRequest): Promise<Job> {
  const dryRun = request.dryRun === true
  if (!dryRun) for (const { id } of [...jobs.list({ kind: 'prune', state: 'waiting' })]) await jobs.cancel(id)
  return jobs.submit('prune', { title: dryRun ? 'estimate what a prune frees' : 'prune', request })
}

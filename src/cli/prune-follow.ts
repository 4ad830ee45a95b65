/** Watching a prune, and telling how it went: for `prune` and `forget --prune`. */
import type { Job, PruneSummary } from '../api/index.ts'
import { counted, duration, short, size } from './format.ts'
import { followJob } from './job-follow.ts'
import type { Session } from './session.ts'

/** What was reached; a job that waits for other devices goes on by itself. */
export async function followPrune(session: Session, job: Job): Promise<PruneSummary> {
  const followed = await followJob(session, job, { onInterrupt: 'detach', untilSaved: true })
  return (followed.end === 'done' ? followed.summary : followed.saved) as PruneSummary
}

export function pruneStory(session: Session, summary: PruneSummary): string {
  const { dryRun, freedBytes, dropped, repacked, waitingFor, waitingSnapshots, waitingStripes } = summary
  const took = duration(summary.seconds * 1000)
  const what = `${counted(dropped, 'stripe')} without use, ${counted(repacked, 'stripe')} packed again`
  if (dryRun) return `Would free about ${size(freedBytes)}: ${what}`
  const lines = [session.out.good(`Freed ${size(freedBytes)} in ${took}: ${what}`)]
  if (waitingSnapshots > 0)
    lines.push(`  waiting    ${counted(waitingSnapshots, 'forgotten snapshot')} until other devices know`)
  for (const { device, until } of waitingFor)
    lines.push(
      `  waits for  ${short(device)}${until === null ? ', whose head is not to be found' : ` until ${until.slice(0, 10)}`}`,
    )
  if (waitingStripes > 0)
    lines.push(`  waiting    ${counted(waitingStripes, 'stripe')} that another device names, or whose hosts are away`)
  return lines.join('\n')
}

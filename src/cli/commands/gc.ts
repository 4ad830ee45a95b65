/** `gc`: cleans up at home; nothing that is stored changes. */
import { Command } from 'commander'
import type { GcSummary } from '../../api/index.ts'
import type { Cli } from '../cli.ts'
import { counted, size } from '../format.ts'
import { followJob } from '../job-follow.ts'

export function build(cli: Cli): Command {
  return new Command('gc').action(
    cli.action(async (session) => {
      const job = await session.ask('storageGc', { body: null })
      const followed = await followJob(session, job, { onInterrupt: 'cancel' })
      if (followed.end !== 'done') return
      const summary = followed.summary as GcSummary
      session.out.line('summary', { job: job.id, kept: [], removed: [], ...summary })
      const { freedBytes, orphans, indexEntries } = summary
      const what = `${counted(orphans, 'orphan')}, ${counted(indexEntries, 'index entry', 'index entries')} of no use`
      if (!session.out.json) session.out.print(session.out.good(`Freed ${size(freedBytes)} here: ${what}`))
    }),
  )
}

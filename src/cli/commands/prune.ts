/** `prune`: frees what no snapshot needs any more. */
import { Command } from 'commander'
import { given, type Cli } from '../cli.ts'
import { followPrune, pruneStory } from '../prune-follow.ts'

export function build(cli: Cli): Command {
  return new Command('prune').option('--dry-run', 'only find out what would be freed').action(
    cli.action(async (session, { dryRun }: { dryRun?: boolean }) => {
      const job = await session.ask('prune', { body: given({ dryRun }) })
      const summary = await followPrune(session, job)
      // Nothing is forgotten or kept by this command: the lists are there for those who read `forget --prune` alike.
      session.out.line('summary', { job: job.id, kept: [], removed: [], ...summary })
      if (!session.out.json) session.out.print(pruneStory(session, summary))
    }),
  )
}

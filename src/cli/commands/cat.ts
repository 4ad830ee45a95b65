/** `cat`: the bytes of one file of a snapshot, to standard output. */
import { Command } from 'commander'
import { PlexiError } from '../../base/errors.ts'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

export function build(cli: Cli): Command {
  return withSnapshotFilter(
    new Command('cat').argument('<snap:path>', 'a snapshot (id, start of an id, or latest) and a file inside'),
  ).action(
    cli.action(async (session, what: string, options: SnapshotFilterOptions) => {
      const { ref, path: at } = snapshotPath(what)
      if (at === undefined) throw new PlexiError('VALIDATION_USAGE', { reason: `no file in "${what}": use SNAP:PATH` })
      const { tag, path, name, device } = options
      const query = { ...given({ tag, path, name, device }), at }
      await session.reach(async (client) => {
        const body = client.bytes('snapshotFile', { params: { ref }, query }, { signal: session.signal })
        await session.out.stream(body)
      })
    }),
  )
}

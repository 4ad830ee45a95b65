/** `find`: names in all snapshots, or in one. */
import { Command } from 'commander'
import { given, type Cli } from '../cli.ts'
import { short, size, timestamp } from '../format.ts'

export function build(cli: Cli): Command {
  return new Command('find')
    .argument('<pattern>', 'a glob over names, or with a / in it over paths')
    .option('--snapshot <snap>', 'in this snapshot only')
    .action(
      cli.action(async (session, pattern: string, options: { snapshot?: string }) => {
        const query = { pattern, ...given({ snapshot: options.snapshot }) }
        const entries = await session.askList('search', { query })
        const { table } = await import('../table.ts')
        session.out.document({ entries }, () => {
          if (entries.length === 0) return 'Nothing found'
          const rows = entries.map(({ snapshot, time, size: bytes, path }) => [
            short(snapshot),
            timestamp(time),
            size(bytes),
            path,
          ])
          return table(session.out, ['snapshot', 'time (UTC)', '>size', 'path'], rows)
        })
      }),
    )
}

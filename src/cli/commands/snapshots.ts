/** `snapshots`: what there is to go back to. */
import { Command } from 'commander'
import { given, type Cli } from '../cli.ts'
import { count, percent, short, size, timestamp } from '../format.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

export function build(cli: Cli): Command {
  return withSnapshotFilter(new Command('snapshots')).action(
    cli.action(async (session, options: SnapshotFilterOptions) => {
      const { tag, path, name, device } = options
      const query = given({ tag, path, name, device })
      const snapshots = await session.askList('snapshots', { query })
      const { table } = await import('../table.ts')
      session.out.document({ snapshots }, () => {
        if (snapshots.length === 0 && Object.keys(query).length > 0) return 'No snapshot is like that'
        if (snapshots.length === 0) return 'No snapshots yet. Make one: plexichat backup PATH'
        const head = ['snapshot', 'time (UTC)', 'name', 'tags', '>files', '>size', 'placed', '>safe']
        const rows = snapshots.map((item) => [
          short(item.id),
          timestamp(item.time),
          item.name ?? '',
          item.tags.join(' '),
          count(item.files),
          size(item.bytes),
          item.placed ? 'yes' : 'waiting',
          percent(item.safe),
        ])
        return table(session.out, head, rows)
      })
    }),
  )
}

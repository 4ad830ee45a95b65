/** `snapshots`: what there is to go back to. */
import { Command } from 'commander'
import type { Snapshot } from '../../api/index.ts'
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
          safety(item),
        ])
        return table(session.out, head, rows)
      })
    }),
  )
}

/** `safe` speaks of hosts alone: 0 of what is placed means that a remote has it. */
function safety({ placed, safe }: Snapshot): string {
  return placed && safe === 0 ? 'remote only' : percent(safe)
}

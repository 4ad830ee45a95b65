/** `ls`: what is in a snapshot. */
import { Command } from 'commander'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { modeText, size, timestamp } from '../format.ts'
import type { Session } from '../session.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

export function build(cli: Cli): Command {
  return withSnapshotFilter(
    new Command('ls')
      .argument('<snap[:path]>', 'a snapshot (id, start of an id, or latest), and a path inside')
      .option('-R, --recursive', 'with everything below'),
  ).action(cli.action(list))
}

async function list(
  session: Session,
  what: string,
  options: SnapshotFilterOptions & { recursive?: boolean },
): Promise<void> {
  const { ref, path: at } = snapshotPath(what)
  const { tag, path, name, device } = options
  const query = { ...given({ tag, path, name, device, at }), recursive: String(options.recursive ?? false) }
  const entries = await session.askList('snapshotTree', { params: { ref }, query })
  const { table } = await import('../table.ts')
  session.out.document({ entries }, () => {
    const rows = entries.map((entry) => [
      modeText(entry.type, entry.mode),
      entry.user ?? '',
      entry.type === 'file' ? size(entry.size) : '',
      timestamp(entry.mtime),
      entry.target === undefined ? entry.path : `${entry.path} → ${entry.target}`,
    ])
    return table(session.out, ['mode', 'owner', '>size', 'modified (UTC)', 'path'], rows)
  })
}

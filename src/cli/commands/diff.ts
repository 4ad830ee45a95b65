/** `diff`: what changed from one snapshot, or a part of it, to another. */
import { Command } from 'commander'
import type { Difference } from '../../api/index.ts'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { counted, printable, size } from '../format.ts'
import type { Session } from '../session.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

/** Entries by what became of them, and the bytes of files that came and went. */
interface Totals {
  added: number
  removed: number
  modified: number
  type: number
  metadata: number
  addedBytes: number
  removedBytes: number
}

const signs = { added: '+', removed: '-', modified: 'M', type: 'T', metadata: 'U' } as const

export function build(cli: Cli): Command {
  return withSnapshotFilter(
    new Command('diff')
      .argument('<a[:path]>', 'a snapshot (id, start of an id, or latest), and a path inside')
      .argument('<b[:path]>', 'what to compare it with'),
  ).action(cli.action(diff))
}

async function diff(session: Session, ...[from, to, options]: [string, string, SnapshotFilterOptions]): Promise<void> {
  const [a, b] = [snapshotPath(from), snapshotPath(to)]
  const { tag, path, name, device } = options
  const input = {
    params: { a: a.ref, b: b.ref },
    query: given({ tag, path, name, device, aAt: a.path, bAt: b.path }),
  }
  const totals = { added: 0, removed: 0, modified: 0, type: 0, metadata: 0, addedBytes: 0, removedBytes: 0 }
  const { out } = session
  const entries: Difference[] = []
  await session.reach(async (client) => {
    for await (const entry of client.list('snapshotDiff', input, { signal: session.signal })) {
      count(totals, entry)
      if (out.json) entries.push(entry)
      else out.print(`${signs[entry.change]} ${printable(entry.path)}${entry.after?.type === 'dir' ? '/' : ''}`)
    }
  })
  out.document({ entries, totals }, () => story(totals))
}

/** A file that was modified counts with what it had and what it has. */
function count(totals: Totals, { change, before, after }: Difference): void {
  totals[change]++
  if (change === 'metadata') return
  totals.addedBytes += after?.type === 'file' ? after.size : 0
  totals.removedBytes += before?.type === 'file' ? before.size : 0
}

function story({ added, removed, modified, type, metadata, addedBytes, removedBytes }: Totals): string {
  if (added + removed + modified + type + metadata === 0) return 'No difference'
  const parts = [
    `${counted(added, 'entry', 'entries')} added`,
    `${String(removed)} removed`,
    `${String(modified)} modified`,
    ...(type === 0 ? [] : [`${String(type)} of another type`]),
    `${String(metadata)} with other metadata`,
  ]
  return `${parts.join(', ')}; ${size(addedBytes)} came, ${size(removedBytes)} went`
}

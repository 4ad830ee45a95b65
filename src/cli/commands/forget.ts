/** `forget`: hides snapshots, by name or by what `--keep-*` keeps; with `--prune` frees what only they needed. */
import { Command } from 'commander'
import type { Forgotten, PruneSummary } from '../../api/index.ts'
import { given, type Cli } from '../cli.ts'
import { counted, short, size, timestamp } from '../format.ts'
import { keepOf, withKeepOptions } from '../keep-options.ts'
import { followPrune, pruneStory } from '../prune-follow.ts'
import type { Session } from '../session.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

interface Options extends SnapshotFilterOptions {
  readonly groupBy?: string
  readonly policy?: string
  readonly dryRun?: boolean
  readonly prune?: boolean
}

export function build(cli: Cli): Command {
  const command = new Command('forget').argument('[snaps...]', 'these snapshots, whatever --keep-* would keep')
  return withSnapshotFilter(withKeepOptions(command))
    .option('--policy <source>', 'apply the policy stored for this source instead (see: policy)')
    .option('--group-by <keys>', 'what competes for the same counts: device, name, paths, tags', 'device,name,paths')
    .option('--dry-run', 'only show what would be forgotten')
    .option('--prune', 'then free what nothing needs any more')
    .action(cli.action(forget))
}

async function forget(session: Session, snapshots: string[], options: Options): Promise<void> {
  const { tag, path, name, device, dryRun, prune, policy: scope } = options
  const { parseGrouping } = await import('../grouping.ts')
  const body = {
    ...{ snapshots, groupBy: parseGrouping(options.groupBy ?? ''), filter: given({ tag, path, name, device }) },
    ...given({ keep: keepOf(options), scope, dryRun, prune }),
  }
  const forgotten = await session.ask('forget', { body })
  const freed = forgotten.job === null ? undefined : await followPrune(session, forgotten.job)
  const { out } = session
  if (out.json) {
    const { job, ...fields } = forgotten
    const document = { ...fields, ...(freed === undefined ? {} : { freedBytes: freed.freedBytes, prune: freed }) }
    if (job === null) out.document(document, () => '')
    else out.line('summary', { job: job.id, ...document })
  } else out.print(await story(session, { forgotten, freed, named: snapshots.length > 0 }))
}

interface Told {
  readonly forgotten: Forgotten
  readonly freed: PruneSummary | undefined
  /** What stays is not worth telling. */
  readonly named: boolean
}

async function story(session: Session, { forgotten, freed, named }: Told): Promise<string> {
  const { kept, removed, dryRun } = forgotten
  const { out } = session
  const { table } = await import('../table.ts')
  const head = ['snapshot', 'time (UTC)', 'name', 'tags', 'paths', '>size']
  type Row = Forgotten['removed'][number]
  const row = ({ id, time, name, tags, paths, bytes }: Row): string[] => {
    return [short(id), timestamp(time), name ?? '', tags.join(' '), paths.join(' '), size(bytes)]
  }
  const lines: string[] = []
  for (const group of new Set(kept.map((one) => one.group))) {
    if (named) break
    const members = kept.filter((one) => one.group === group)
    lines.push(
      `${dryRun ? 'Would keep' : 'Kept'} ${counted(members.length, 'snapshot')}${group === '' ? '' : ` of ${group}`}:`,
    )
    lines.push(
      table(
        out,
        [...head, 'reasons'],
        members.map((one) => [...row(one), one.reasons.join(', ')]),
      ),
      '',
    )
  }
  if (removed.length === 0) lines.push(out.good('Nothing to forget'))
  else {
    lines.push(`${dryRun ? 'Would forget' : 'Forgot'} ${counted(removed.length, 'snapshot')}:`)
    lines.push(table(out, head, removed.map(row)))
  }
  if (freed !== undefined) lines.push('', pruneStory(session, freed))
  else if (removed.length > 0 && !dryRun) lines.push('', 'Their data stay until: plexichat prune')
  return lines.join('\n')
}

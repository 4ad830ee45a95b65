/** `restore`: files back from a snapshot. Run again, it goes on where it stopped. */
import { Command, Option } from 'commander'
import type { RestoreSummary } from '../../api/index.ts'
import { errorTable, type ErrorCode } from '../../base/error-table.ts'
import { PlexiError } from '../../base/errors.ts'
import { given, snapshotPath, type Cli } from '../cli.ts'
import { counted, duration, printable, size } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'
import { withSnapshotFilter, type SnapshotFilterOptions } from '../snapshot-filter.ts'

interface Options extends SnapshotFilterOptions {
  readonly to: string
  readonly overwrite: 'never' | 'older' | 'always'
  readonly fullPaths?: boolean
  readonly verify?: boolean
  readonly first?: string
  readonly plan?: boolean
}

const INTEGRITY = 15
const MAX_SHOWN_FAILURES = 20

export function build(cli: Cli): Command {
  const command = new Command('restore')
    .argument('<snap[:path]>', 'a snapshot (id, start of an id, or latest), and what of it')
    .requiredOption('--to <dir>', 'where to put it')
    .addOption(
      new Option('--overwrite <what>', 'files that are there and different')
        .choices(['never', 'older', 'always'])
        .default('never'),
    )
    .option('--full-paths', 'under --to by absolute path instead of base name')
    .option('--first <pattern>', 'these files before all others: a name, or a path where it has a slash')
    .option('--verify', 'read every restored file back and compare')
    .option('--plan', 'restore nothing: say whose machines are needed and how long it takes')
  return withSnapshotFilter(command).action(cli.action(restore))
}

async function restore(session: Session, what: string, options: Options): Promise<number> {
  const { ref, path: inside } = snapshotPath(what)
  const { tag, path, name, device, overwrite, fullPaths, verify, first, plan } = options
  const filter = given({ tag, path, name, device })
  const chosen = given({ path: inside, fullPaths, verify, first, plan })
  const body = { to: session.path(options.to), overwrite, filter, ...chosen }
  const job = await session.ask('snapshotRestore', { params: { ref }, body })
  const followed = await followJob(session, job, { onInterrupt: 'cancel' })
  if (followed.end !== 'done') return 1
  const summary = followed.summary as RestoreSummary
  const { out } = session
  out.line('summary', { job: job.id, ...summary })
  if (!out.json)
    out.print(summary.plan === undefined ? story(session, summary, body.to) : planned(summary, summary.plan))
  if (summary.failed.length > 0) throw failure(session, summary)
  return 0
}

/** Whose machines, how much, how long. */
function planned(summary: RestoreSummary, plan: NonNullable<RestoreSummary['plan']>): string {
  const { shards, local, fetchBytes, hosts, unknown, estimatedSeconds } = plan
  const time = estimatedSeconds === null ? 'nobody answers now' : `about ${duration(estimatedSeconds * 1000)}`
  const whose = hosts.map(({ peer, name, shards: held, bytes }) => {
    return `  ${printable(name ?? peer)}  ${counted(held, 'shard')}, ${size(bytes)}`
  })
  return [
    `${counted(summary.files, 'file')}, ${size(summary.bytes)}: ${size(fetchBytes)} to fetch, ${time}`,
    ...(local > 0 ? [`  here  ${String(local)} of ${counted(shards, 'shard')}`] : []),
    ...whose,
    ...(unknown > 0 ? [`  nobody known  ${counted(unknown, 'shard')}`] : []),
  ].join('\n')
}

function story(session: Session, summary: RestoreSummary, to: string): string {
  const took = duration(summary.seconds * 1000)
  const text = `Restored ${counted(summary.files, 'file')}, ${size(summary.bytes)} to ${to} in ${took}`
  const failed = summary.failed
    .slice(0, MAX_SHOWN_FAILURES)
    .map(({ path, reason }) => `  failed  ${printable(reason.includes(path) ? reason : `${path}: ${reason}`)}`)
  return [summary.failed.length === 0 ? session.out.good(text) : text, ...failed].join('\n')
}

/** Lost or damaged data weighs more than a file that could not be written. */
function failure({ out }: Session, { failed }: RestoreSummary): PlexiError {
  const isLost = ({ code }: { code: string }): boolean =>
    Object.hasOwn(errorTable, code) && errorTable[code as ErrorCode].exit === INTEGRITY
  const lost = failed.find(isLost)
  // People have just been told.
  const files = out.json ? failed.slice(0, MAX_SHOWN_FAILURES).map(({ path }) => path) : []
  if (failed.every(({ code }) => code === 'STORAGE_TARGET_EXISTS')) {
    const message = `${counted(failed.length, 'file')} exist and are different; all others are restored`
    const remedy = 'to replace them: the same command with --overwrite older, or always; or choose another --to'
    return new PlexiError('STORAGE_RESTORE_PARTIAL', { count: failed.length, files }, { message, remedy })
  }
  if (lost === undefined) return new PlexiError('STORAGE_RESTORE_PARTIAL', { count: failed.length, files })
  const message = `${counted(failed.filter(isLost).length, 'file')} could not be brought back: ${lost.reason}`
  return new PlexiError(lost.code as ErrorCode, { files }, { message })
}

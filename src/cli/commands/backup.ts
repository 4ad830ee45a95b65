/** `backup`: starts the job, follows it, and says how safe the snapshot is. */
import { Command, Option } from 'commander'
import type { BackupSummary, RouteInput } from '../../api/index.ts'
import { MINUTE } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { durationOption, given, type Cli } from '../cli.ts'
import { counted, duration, percent, short, size } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'
import { definitionBody, withSourceOptions, type SourceOptions } from '../source-options.ts'

const DEFAULT_WAIT_MS = 10 * MINUTE
const MAX_SHOWN_SKIPS = 20
const MAX_SHOWN_EXPORTS = 20

interface Options extends SourceOptions {
  readonly name?: string
  readonly stdin?: string
  readonly local?: boolean
  readonly dryRun?: boolean
  readonly forceRead?: boolean
  readonly wait: number
}

export function build(cli: Cli): Command {
  return withSourceOptions(new Command('backup'))
    .option('--name <name>', 'name of the snapshot, to find it by; without PATH a known source')
    .option('--stdin <name>', 'back up standard input under this name; with --command the name of its output')
    .option('--local', 'end as soon as the snapshot is safe on this machine')
    .option('--dry-run', 'read and count, store nothing')
    .option('--force-read', 'read files again that seem unchanged')
    .addOption(
      new Option('--wait <duration>', 'wait this long without progress for hosts')
        .argParser(durationOption)
        .default(DEFAULT_WAIT_MS, '10m'),
    )
    .action(cli.action(backup))
}

async function backup(session: Session, paths: string[], options: Options): Promise<number> {
  const { local, dryRun, forceRead } = options
  const body = { ...whichOf(session, paths, options), ...given({ local, dryRun, forceRead }) }
  const stdin = options.command === undefined ? options.stdin : undefined
  const job = await session.ask('backup', { body })
  const followed = await followJob(session, job, {
    waitMs: options.wait,
    // Input that was cut off must not become a snapshot.
    onInterrupt: stdin === undefined ? 'detach' : 'cancel',
    ...(stdin === undefined ? {} : { input: session.io.stdin }),
  })
  const summary = (followed.end === 'done' ? followed.summary : followed.saved) as BackupSummary
  session.out.line('summary', { job: job.id, ...summary })
  if (!session.out.json) session.out.print(dryRun === true ? estimate(summary) : story(session, summary))
  return outcome(session, summary, { stalled: followed.end === 'stalled', job: job.id })
}

/** What is backed up: paths and databases, standard input, the output of a command, or by its name a known source. */
function whichOf(session: Session, paths: string[], options: Options): RouteInput<'backup'>['body'] {
  const { name, stdin, sqlite = [], command } = options
  const files = paths.length + sqlite.length > 0
  if (files && (stdin !== undefined || command !== undefined))
    throw new PlexiError('VALIDATION_USAGE', {
      reason: `give either PATHs or --${command === undefined ? 'stdin' : 'command'}, not both`,
    })
  const definition = definitionBody(session, paths, options)
  if (definition.command !== undefined)
    return { ...definition, ...given({ name }), command: { ...definition.command, ...given({ as: stdin }) } }
  if (files || stdin !== undefined) return { ...definition, ...given({ name, stdin }) }
  if (name !== undefined) return { ...definition, source: name }
  throw new PlexiError('VALIDATION_USAGE', {
    reason: 'nothing to back up: name a PATH, a source by --name, or use --stdin NAME or --command CMD',
  })
}

/** What counts as failure after all: hosts are missing, or files could not be read. */
function outcome(session: Session, summary: BackupSummary, end: { stalled: boolean; job: string }): number {
  if (end.stalled) {
    const message = `${counted(summary.queued, 'stripe')} still waiting for hosts; job ${end.job} goes on`
    throw new PlexiError('STORAGE_TOO_FEW_HOSTS', { job: end.job, queued: summary.queued }, { message })
  }
  if (summary.skipped.length > 0) {
    const paths = summary.skipped.slice(0, MAX_SHOWN_SKIPS).map(({ path }) => path)
    throw new PlexiError('STORAGE_PARTIAL', { count: summary.skipped.length, paths })
  }
  if (!summary.belowTarget || summary.snapshot === null || summary.queued > 0) return 0
  if (isOnRemotesOnly(summary)) session.out.warn('no host keeps a copy; a friend makes it safe: plexichat invite')
  else session.out.warn(`less safe than the target: ${percent(summary.safe)}; more hosts help: plexichat invite`)
  return 0
}

/** `safe` speaks of hosts alone: 0 says nothing about what lies on a disk of one's own. */
function isOnRemotesOnly({ hosts, snapshot, queued }: BackupSummary): boolean {
  return hosts === 0 && snapshot !== null && queued === 0
}

function story(session: Session, summary: BackupSummary): string {
  const { out } = session
  const lines = [
    out.good(
      `Snapshot ${short(summary.snapshot ?? '')}: ${counted(summary.files, 'file')}, ${size(summary.bytes)} in ${duration(summary.seconds * 1000)}`,
    ),
    `  new        ${size(summary.newBytes)}, stored as ${size(summary.storedBytes)} in ${counted(summary.newShards, 'shard')}`,
  ]
  if (isOnRemotesOnly(summary)) lines.push(`  placed     on your remote, ${counted(summary.placed, 'stripe')} in all`)
  else if (summary.n > 0)
    lines.push(
      `  placed     ${counted(summary.placed, 'stripe')}, any ${String(summary.k)} of ${String(summary.n)} hosts bring it back`,
    )
  if (summary.queued > 0) lines.push(`  waiting    ${counted(summary.queued, 'stripe')} for hosts`)
  if (summary.safe !== null && !isOnRemotesOnly(summary)) lines.push(`  safe       ${percent(summary.safe)}`)
  if (summary.xattrs === 'skipped') lines.push('  xattrs     skipped: this system offers no way to read them')
  const exports = (summary.exports ?? []).slice(0, MAX_SHOWN_EXPORTS).map(exportLine)
  const skipped = summary.skipped.slice(0, MAX_SHOWN_SKIPS).map(({ path, reason }) => `  skipped    ${path}: ${reason}`)
  return [...lines, ...exports, ...skipped].join('\n')
}

function exportLine({ path, app, messages, warnings }: NonNullable<BackupSummary['exports']>[number]): string {
  const count = messages === null ? '' : `, ${counted(messages, app === 'mongodb' ? 'document' : 'message')}`
  return `  ${app.padEnd(10)} ${[`${path}${count}`, ...warnings].join('; ')}`
}

function estimate(summary: BackupSummary): string {
  return `Would back up ${counted(summary.files, 'file')} in ${counted(summary.dirs, 'directory', 'directories')}, ${size(summary.bytes)}; ${size(summary.newBytes)} of it new, stored as about ${size(summary.storedBytes)}`
}

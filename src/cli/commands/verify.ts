/** `verify`: does everybody hold what they should, and on request, are the bytes right? */
import { Command } from 'commander'
import type { VerifySummary } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Cli } from '../cli.ts'
import { counted, duration, printable, short } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'

const MAX_SHOWN = 50

export function build(cli: Cli): Command {
  return new Command('verify')
    .argument('[snap]', 'one snapshot instead of all')
    .option('--read-data [percent]', 'fetch and check the bytes of this share of the shards (100)')
    .action(cli.action(verify))
}

async function verify(
  session: Session,
  snap: string | undefined,
  options: { readData?: string | true },
): Promise<number> {
  const readDataPercent = percentOf(options.readData)
  const job = await session.ask('snapshotVerify', { params: { ref: snap ?? 'all' }, body: { readDataPercent } })
  const followed = await followJob(session, job, { onInterrupt: 'cancel' })
  if (followed.end !== 'done') return 1
  const summary = followed.summary as VerifySummary
  const { out } = session
  out.line('summary', { job: job.id, ...summary })
  if (!out.json) out.print(story(session, summary))
  if (!summary.ok) throw failure(summary)
  return 0
}

function percentOf(text: string | true | undefined): number {
  if (text === undefined) return 0
  if (text === true) return 100
  const value = Number(text.replace(/%$/, ''))
  if (!(value >= 0 && value <= 100)) throw new PlexiError('VALIDATION_USAGE', { reason: '--read-data takes 0 to 100' })
  return value
}

function story(session: Session, summary: VerifySummary): string {
  const text = `Checked ${counted(summary.checked, 'shard')} in ${duration(summary.seconds * 1000)}`
  if (summary.bad.length === 0) return session.out.good(`${text}: all is well`)
  const lines = summary.bad.slice(0, MAX_SHOWN).map(({ shard, peer, why }) => {
    return `  ${short(shard ?? 'stripe')}  ${why}${peer === null ? '' : ` at ${peer}`}`
  })
  return [`${text}: ${counted(summary.bad.length, 'problem')}`, ...lines.map(printable)].join('\n')
}

/** Where data is lost the error names what is hit; where enough is left it says so. */
function failure(summary: VerifySummary): PlexiError {
  const { lostStripes, snapshotsHit: snapshots, filesHit: files } = summary as Record<string, unknown>
  const stripes = typeof lostStripes === 'number' ? lostStripes : Array.isArray(lostStripes) ? lostStripes.length : 0
  // Without a stripe there is nothing to rebuild from.
  const lost = stripes + summary.bad.filter(({ stripe }) => stripe === null).length
  if (lost > 0) return new PlexiError('STORAGE_UNRESTORABLE', { lost, snapshots, files })
  const shardId = summary.bad.find(({ shard }) => shard !== null)?.shard ?? 'unknown'
  const message = `${counted(summary.bad.length, 'shard')} damaged or missing; everything can still be restored`
  return new PlexiError('STORAGE_SHARD_CORRUPT', { shardId }, { message })
}

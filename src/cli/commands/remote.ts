/** `remote`: directories on a disk or NAS that keep a copy of everything. */
import { Command } from 'commander'
import { resolve } from 'node:path'
import type { Remote, RemoteTestSummary, SeedSummary } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, counted, duration, short, size, who } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const remote = new Command('remote')
  remote.command('ls', { isDefault: true }).description('the remotes, and what lies there').action(cli.action(list))
  remote
    .command('add')
    .description('keep a copy of everything in a directory, such as one on a USB disk or NAS')
    .argument('<dir>', 'a new or empty directory, or a remote of this vault')
    .action(cli.action(add))
  remote
    .command('rm')
    .description('forget a remote; its files stay')
    .argument('<remote>', 'its directory, its id, or a start of that')
    .option('--force', 'even if something lies nowhere else')
    .action(cli.action(remove))
  remote
    .command('test')
    .description('write, read, and check shards there')
    .argument('[remote]', 'its directory, its id, or a start of that; else all that are there')
    .option('--all', 'read every shard instead of a sample')
    .action(cli.action(test))
  remote
    .command('seed')
    .description('put what a host lacks onto a disk that you carry there; it runs: plexichat host adopt DIR')
    .argument('<dir>', 'a new or empty directory, or an earlier seed for the same host')
    .requiredOption('--for <peer>', 'the host: id, start of an id, or name')
    .action(cli.action(seed))
  return remote
}

async function seed(session: Session, directory: string, options: { for: string }): Promise<void> {
  const body = { path: resolve(directory), peer: options.for }
  const job = await session.ask('remoteSeed', { body })
  const followed = await followJob(session, job, { onInterrupt: 'cancel' })
  if (followed.end !== 'done') return
  const summary = followed.summary as SeedSummary
  const { out } = session
  out.line('summary', { job: job.id, ...summary })
  if (out.json) return
  const { path, shards, bytes, left, receipts } = summary
  if (receipts > 0) out.print(out.good(`${counted(receipts, 'receipt')} came back with the disk`))
  if (shards === 0) out.print(`Nothing waits for ${who(summary)}`)
  else {
    out.print(out.good(`${counted(shards, 'shard')} (${size(bytes)}) for ${who(summary)} in ${path}`))
    out.print('  There: plexichat host adopt DIR')
  }
  if (left > 0) out.warn(`${counted(left, 'shard')} did not fit: when the disk is back, run this again`)
}

async function list(session: Session): Promise<void> {
  const remotes = await session.askList('remotes', {})
  const { table } = await import('../table.ts')
  session.out.document({ remotes }, () => {
    if (remotes.length === 0) return 'No remotes. Keep a copy on a disk: plexichat remote add DIR'
    const rows = remotes.map((remote) => [
      short(remote.id, 8),
      remote.path,
      remote.state === 'present' ? progress(remote) : remote.state,
      size(remote.bytes),
      size(remote.missing),
      remote.free === null ? '' : size(remote.free),
      remote.state === 'present' ? 'now' : ago(remote.lastSeen, cliClock.now()),
      ago(remote.completed, cliClock.now()),
    ])
    return table(session.out, ['id', 'directory', 'state', '>there', '>missing', '>free', 'seen', 'was complete'], rows)
  })
}

function progress({ complete, missing }: Remote): string {
  if (complete) return 'complete'
  return missing === 0 ? 'waits for the head' : 'being filled'
}

async function add(session: Session, directory: string): Promise<void> {
  const remote = await session.ask('remoteAdd', { body: { path: resolve(directory) } })
  session.out.document(remote, () =>
    session.out.good(`Keeping a copy in ${remote.path}; ${size(remote.missing)} to go: plexichat remote ls`),
  )
}

async function remove(session: Session, name: string, options: { force?: boolean }): Promise<void> {
  const { id, path } = await named(session, name)
  await session.ask('remoteRemove', { params: { id }, ...(options.force === true ? { query: { force: 'true' } } : {}) })
  session.out.document({ removed: id, path }, () => session.out.good(`${path} is no remote any more; its files stay`))
}

async function test(session: Session, name: string | undefined, options: { all?: boolean }): Promise<void> {
  const found = name === undefined ? await session.askList('remotes', {}) : [await named(session, name)]
  const there = name === undefined ? found.filter(({ state }) => state === 'present' || state === 'full') : found
  if (there.length === 0)
    throw new PlexiError(
      'STORAGE_NOT_FOUND',
      { what: found.length === 0 ? 'a remote' : 'a remote that is there' },
      { remedy: found.length === 0 ? 'plexichat remote add DIR' : 'connect it; plexichat remote ls' },
    )
  const bad: RemoteTestSummary[] = []
  for (const { id } of there) {
    const job = await session.ask('remoteTest', { params: { id }, body: { all: options.all === true } })
    const followed = await followJob(session, job, { onInterrupt: 'cancel' })
    if (followed.end !== 'done') return
    const summary = followed.summary as RemoteTestSummary
    session.out.line('summary', { job: job.id, ...summary })
    if (!session.out.json) session.out.print(story(session, summary))
    if (!summary.ok) bad.push(summary)
  }
  const [first] = bad
  if (first === undefined) return
  const message = `${counted(first.bad.length, 'shard')} damaged or missing in ${first.path}; copied again in the background`
  throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: first.bad[0]?.shard ?? 'unknown' }, { message })
}

function story(session: Session, summary: RemoteTestSummary): string {
  const { path, checked, bad, syncMs, free, total } = summary
  const read = summary.readBytesPerSecond === null ? '' : `, reads ${size(summary.readBytesPerSecond)}/s`
  const head = `${path}: writes ${size(summary.writeBytesPerSecond)}/s${read}, syncs in ${duration(syncMs)}`
  const lines = [`  ${size(free)} free of ${size(total)}; ${counted(checked, 'shard')} read, ${String(bad.length)} bad`]
  return [bad.length === 0 ? session.out.good(head) : `✗ ${head}`, ...lines].join('\n')
}

/** By directory, id, or an unambiguous start of the id. */
async function named(session: Session, name: string): Promise<Remote> {
  const remotes = await session.askList('remotes', {})
  const path = resolve(name)
  const fits = remotes.filter((remote) => remote.path === path || remote.id === name)
  const found = fits.length > 0 ? fits : remotes.filter(({ id }) => name.length >= 4 && id.startsWith(name))
  const [one] = found
  if (one === undefined || found.length > 1)
    throw new PlexiError('STORAGE_NOT_FOUND', { what: `remote ${name}` }, { remedy: 'plexichat remote ls' })
  return one
}

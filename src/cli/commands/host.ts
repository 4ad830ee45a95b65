/** `host`: what this machine holds for others, and how much it offers. */
import { Command } from 'commander'
import { resolve } from 'node:path'
import type { AdoptSummary, Hosting } from '../../api/index.ts'
import { bytesOption, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, count, counted, short, size } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const host = new Command('host')
  host
    .command('ls', { isDefault: true })
    .description('for whom, and how much')
    .action(
      cli.action(async (session) => {
        await print(session, await session.ask('hosting', {}))
      }),
    )
  host
    .command('resize')
    .description('offer more or less in total; what is held stays')
    .argument('<size>', 'such as 50GiB; 0 takes nothing new')
    .action(
      cli.action(async (session, text: string) => {
        await print(session, await session.ask('hostingResize', { body: { offer: bytesOption(text) } }))
      }),
    )
  host
    .command('adopt')
    .description('take in the shards that a disk brought: a seed that an owner made for this machine')
    .argument('<dir>', 'the directory of the seed')
    .action(cli.action(adopt))
  return host
}

async function adopt(session: Session, directory: string): Promise<void> {
  const job = await session.ask('hostingAdopt', { body: { path: resolve(directory) } })
  const followed = await followJob(session, job, { onInterrupt: 'cancel' })
  if (followed.end !== 'done') return
  const summary = followed.summary as AdoptSummary
  const { out } = session
  out.line('summary', { job: job.id, ...summary })
  if (out.json) return
  const { stored, known, bad, vault, receipts } = summary
  out.print(out.good(`${counted(stored, 'shard')} taken in for ${short(vault)}, ${count(known)} were here before`))
  if (bad.length > 0)
    out.warn(`${counted(bad.length, 'shard')} missing or damaged on the disk: they come over the network`)
  if (!receipts) out.warn('receipts could not be written to the disk; the owner asks for them over the network')
}

async function print(session: Session, hosting: Hosting): Promise<void> {
  const { table } = await import('../table.ts')
  session.out.document(hosting, () => {
    const head = `Holding ${size(hosting.used)} of ${size(hosting.offer)} offered, ${size(hosting.free)} free`
    const full = hosting.full === null ? [] : [`${session.out.paint.yellow('!')} ${hosting.full}`]
    if (hosting.vaults.length === 0) return [head, ...full].join('\n')
    const rows = hosting.vaults.map((vault) => [
      vault.name ?? short(vault.vault),
      vault.vouched ? 'yes' : 'no',
      count(vault.shards),
      size(vault.bytes),
      ago(vault.lastRenewed, cliClock.now()),
      vault.vouched ? 'does not expire' : ago(vault.leaseUntil, cliClock.now()),
    ])
    const list = table(session.out, ['for', 'vouched', '>shards', '>size', 'last heard of', 'lease ends'], rows)
    return [head, ...full, '', list].join('\n')
  })
}

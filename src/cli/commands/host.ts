/** `host`: what this machine holds for others, and how much it offers. */
import { Command } from 'commander'
import type { Hosting } from '../../api/index.ts'
import { bytesOption, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, count, short, size } from '../format.ts'
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
  return host
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

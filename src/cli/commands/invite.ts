/** `invite`: a one-time code that brings somebody into the circle and vouches both ways. */
import { Command, Option } from 'commander'
import { durationOption, integerOption, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, counted } from '../format.ts'
import { DAY } from '../../base/clock.ts'

const MAX_USES = 1000

export function build(cli: Cli): Command {
  return new Command('invite')
    .option('--uses <count>', 'how many may use it', integerOption(1, MAX_USES), 1)
    .addOption(
      new Option('--expires <duration>', 'how long it is valid').argParser(durationOption).default(7 * DAY, '7d'),
    )
    .action(
      cli.action(async (session, options: { uses: number; expires: number }) => {
        const body = { uses: options.uses, expiresMs: Math.round(options.expires) }
        const invite = await session.ask('inviteCreate', { body })
        session.out.document(invite, () => {
          const { bold, dim } = session.out.paint
          return [
            bold(invite.code),
            '',
            `  ${dim('Tell them:')} plexichat join ${invite.code.slice(0, 16)}…`,
            `  ${dim('Valid for:')} ${counted(invite.uses, 'person', 'people')}, ends ${ago(invite.expires, cliClock.now())}`,
          ].join('\n')
        })
        for (const warning of invite.warnings) session.out.warn(warning)
      }),
    )
}

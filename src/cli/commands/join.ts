/** `join`: into somebody's circle by their code. */
import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { who } from '../format.ts'

export function build(cli: Cli): Command {
  return new Command('join').argument('<code>', 'what `plexichat invite` printed').action(
    cli.action(async (session, code: string) => {
      const joined = await session.ask('inviteAccept', { body: { code: code.trim() } })
      session.out.document(joined, () => session.out.good(`Joined ${who(joined)} in the circle ${joined.circle}`))
      if (joined.restart) session.out.warn('to enter the circle: plexichat restart')
    }),
  )
}

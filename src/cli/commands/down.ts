/** `down`: ends the daemon cleanly and waits until it has gone. */
import { Command } from 'commander'
import { stopDaemon } from '../background.ts'
import type { Cli } from '../cli.ts'

export function build(cli: Cli): Command {
  return new Command('down').action(
    cli.action(async (session) => {
      const { pid } = await stopDaemon(session)
      session.out.document({ pid, stopped: true }, () => session.out.good('The daemon has stopped'))
    }),
  )
}

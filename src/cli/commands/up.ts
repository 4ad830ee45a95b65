/** `up`: the daemon in the background. */
import { Command } from 'commander'
import { printStarted, startDaemon } from '../background.ts'
import type { Cli } from '../cli.ts'
import { withDaemonOptions, type DaemonOptions } from '../daemon-flags.ts'

export function build(cli: Cli): Command {
  return withDaemonOptions(new Command('up')).action(
    cli.action(async (session, options: DaemonOptions) => {
      printStarted(session, await startDaemon(session, options))
    }),
  )
}

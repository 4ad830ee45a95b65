/** `restart`: down where one runs, then up. Running jobs go on afterwards. */
import { Command } from 'commander'
import { isPlexiError } from '../../base/errors.ts'
import { printStarted, startDaemon, stopDaemon } from '../background.ts'
import type { Cli } from '../cli.ts'
import { withDaemonOptions, type DaemonOptions } from '../daemon-flags.ts'

export function build(cli: Cli): Command {
  return withDaemonOptions(new Command('restart')).action(
    cli.action(async (session, options: DaemonOptions) => {
      try {
        await stopDaemon(session)
      } catch (error) {
        if (!isPlexiError(error, 'SYSTEM_DAEMON_NOT_RUNNING')) throw error
      }
      printStarted(session, await startDaemon(session, options))
    }),
  )
}

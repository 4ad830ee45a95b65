/** `daemon`: the daemon in the foreground, until a signal or `down` ends it. */
import { setFlagsFromString } from 'node:v8'
import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { settingFlags, withDaemonOptions, type DaemonOptions } from '../daemon-flags.ts'
import type { Session } from '../session.ts'
import { programVersion } from '../version.ts'

export function build(cli: Cli): Command {
  return withDaemonOptions(new Command('daemon')).action(cli.action(daemon))
}

async function daemon(session: Session, options: DaemonOptions): Promise<number> {
  // V8's young generation would grow while everything is loaded, of which nearly all stays, and never shrink again:
  // 60 MiB of the 380 that a backup of 100,000 files took, 8 of an idle daemon's 144.
  setFlagsFromString('--semi-space-growth-factor=1')
  const { runDaemon } = await import('../../daemon/index.ts')
  const { out, paths, io } = session
  // The daemon has its own handlers: the first signal ends it cleanly.
  session.releaseInterrupts()
  const request = { paths, env: io.env, flags: settingFlags(options), version: programVersion() }
  return runDaemon(request, {
    ready(info) {
      const { pid, peerId, vault, addresses, api } = info
      out.line('ready', { pid, peerId, vault, addresses, api })
      if (out.json) return
      out.print(out.good(`Ready as ${peerId}`))
      for (const address of addresses) out.print(`  peers  ${address}`)
      out.print(`  api    ${api}`)
    },
  })
}

/** `metrics`: the daemon's figures in the Prometheus text format. */
import { Command } from 'commander'
import type { Cli } from '../cli.ts'

export function build(cli: Cli): Command {
  return new Command('metrics').action(
    cli.action(async (session) => {
      const text = await session.reach((client) => client.text('metrics', { signal: session.signal }))
      session.out.document({ metrics: text }, () => text)
    }),
  )
}

/** `version`: of the program and of what it runs on. */
import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { programVersion } from '../version.ts'

export function build(cli: Cli): Command {
  return new Command('version').action(
    cli.action(async (session) => {
      const answer = {
        version: programVersion(),
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        openssl: process.versions.openssl,
      }
      session.out.document(answer, () => `plexichat ${answer.version} (Node ${answer.node}, ${answer.platform})`)
    }),
  )
}

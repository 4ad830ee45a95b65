/** `recover`: from the 24 words and one reachable member back to a device that can restore. Needs no daemon. */
import { Command } from 'commander'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { bytesOption, collect, given, type Cli } from '../cli.ts'
import { counted, timestamp } from '../format.ts'
import type { Session } from '../session.ts'
import { confirmed, readPassphrase, readWords } from '../words.ts'

interface Options {
  readonly phraseFile?: string
  readonly passphraseFile?: string
  readonly bootstrap?: string[]
  readonly invite?: string
  readonly remote?: string[]
  readonly revokeOthers?: boolean
  readonly name?: string
  readonly offer?: number
}

export function build(cli: Cli): Command {
  return new Command('recover')
    .option('--phrase-file <file>', 'a file with the 24 words, - for stdin')
    .option('--bootstrap <multiaddr>', 'a member of the circle that is up; may be repeated', collect)
    .option('--invite <code>', 'a new invite of a member')
    .option('--remote <dir>', 'a remote: a copy of the vault on a disk; may be repeated', collect)
    .option('--revoke-others', 'after a theft: all other devices lose their rights')
    .option('--name <name>', 'what this machine is called (else its host name)')
    .option('--offer <size>', 'disk to lend to others', bytesOption)
    .option('--passphrase-file <file>', 'seal the keys under this passphrase instead of a key file')
    .action(cli.action(recover))
}

async function recover(session: Session, options: Options): Promise<void> {
  const { out } = session
  if (options.revokeOthers === true && session.io.stdin.isTTY === true && !(await reallyRevoke(session))) return
  const phrase = await readWords(session, options.phraseFile)
  const passphrase =
    options.passphraseFile === undefined ? undefined : await readPassphrase(session, options.passphraseFile)
  const { recoverHome } = await import('../../daemon/index.ts')
  const request = {
    paths: session.paths,
    env: session.io.env,
    phrase,
    name: (options.name ?? hostname()).slice(0, 64),
    bootstrap: options.bootstrap ?? [],
    remotes: (options.remote ?? []).map((directory) => resolve(directory)),
    revokeOthers: options.revokeOthers === true,
    ...given({ invite: options.invite, passphrase, offerBytes: options.offer }),
  }
  const hooks = {
    note(level: 'info' | 'warning', text: string) {
      out.line('note', { level, text })
      if (level === 'warning') out.warn(text)
      else out.note(text)
    },
  }
  const found = await recoverHome(request, hooks, session.signal)
  out.line('summary', found)
  if (out.json) return
  const { dim } = out.paint
  out.print(
    [
      out.good(`Recovered: ${counted(found.snapshots, 'snapshot')}, newest state of ${timestamp(found.headTime)} UTC`),
      `  ${dim('found with')} ${counted(found.sources, 'member')}, head ${String(found.headSeq)}`,
      '',
      `  ${dim('Next:')} plexichat up`,
      '        plexichat restore latest --to DIR',
    ].join('\n'),
  )
}

function reallyRevoke(session: Session): Promise<boolean> {
  return confirmed(session, 'All other devices of this vault lose their rights for good. Go on?')
}

/** `init`: a new vault, or this machine as a new device of an existing one. The words are shown once. */
import { Command } from 'commander'
import { hostname } from 'node:os'
import { PlexiError } from '../../base/errors.ts'
import { bytesOption, type Cli } from '../cli.ts'
import type { Session } from '../session.ts'
import { readDeviceCode, readPassphrase, readWords } from '../words.ts'

interface InitOptions {
  readonly name?: string
  readonly offer?: number
  readonly phraseFile?: string
  /** True: asked for. */
  readonly deviceCode?: string | true
  readonly passphraseFile?: string
}

export function build(cli: Cli): Command {
  return new Command('init')
    .option('--name <name>', 'what this machine is called (else its host name)')
    .option('--offer <size>', 'disk to lend to others, such as 50GiB; 0 lends nothing', bytesOption)
    .option('--phrase-file <file>', 'join an existing vault: a file with its 24 words, - for stdin')
    .option(
      '--device-code [file]',
      'join an existing vault by a code of `identity add-device`: a file with it, - for stdin',
    )
    .option('--passphrase-file <file>', 'seal the keys under this passphrase instead of a key file')
    .action(cli.action(init))
}

async function init(session: Session, options: InitOptions): Promise<void> {
  if (options.deviceCode !== undefined) {
    await initByCode(session, options, options.deviceCode)
    return
  }
  const { initHome, systemClock, systemDisk, systemRandom } = await import('../../daemon/index.ts')
  const joins = options.phraseFile !== undefined
  const phrase = joins ? await readWords(session, options.phraseFile) : undefined
  const passphrase =
    options.passphraseFile === undefined ? undefined : await readPassphrase(session, options.passphraseFile)
  const made = await initHome(
    {
      paths: session.paths,
      env: session.io.env,
      signal: session.signal,
      name: (options.name ?? hostname()).slice(0, 64),
      ...(options.offer === undefined ? {} : { offerBytes: options.offer }),
      ...(phrase === undefined ? {} : { phrase }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
    { disk: systemDisk, clock: systemClock, random: systemRandom },
  )
  const { vault, peerId } = made
  session.out.document({ vault, peerId, phrase: made.phrase }, () => welcome(session, { ...made, joins }))
}

/** The code is a secret while it is good: it is read, never an argument. */
async function initByCode(session: Session, options: InitOptions, given: string | true): Promise<void> {
  if (options.phraseFile !== undefined)
    throw new PlexiError('VALIDATION_USAGE', { reason: 'a device joins by its code or by the words, not by both' })
  const code = await readDeviceCode(session, given === true ? undefined : given)
  const passphrase =
    options.passphraseFile === undefined ? undefined : await readPassphrase(session, options.passphraseFile)
  const { initByCode: become } = await import('../../daemon/index.ts')
  const { out } = session
  const waiting = (peer: string): void => {
    out.note(`  Asked as ${peer}: now say yes where the code was made`)
  }
  const made = await become(
    {
      ...{ paths: session.paths, env: session.io.env, code },
      name: (options.name ?? hostname()).slice(0, 64),
      ...(options.offer === undefined ? {} : { offerBytes: options.offer }),
      ...(passphrase === undefined ? {} : { passphrase }),
    },
    { waiting },
    session.signal,
  )
  out.document(made, () =>
    [
      out.good(
        `This machine is ${made.name}, a device of vault ${made.vault.slice(0, 12)}… that may ${made.grants.join(', ')}`,
      ),
      '',
      `  ${out.paint.dim('Next:')} plexichat up`,
      '        plexichat backup PATH',
    ].join('\n'),
  )
}

function welcome(session: Session, made: { vault: string; phrase: string; joins: boolean }): string {
  const { bold, dim, yellow } = session.out.paint
  const head = session.out.good(`Your vault is ready in ${session.paths.root}`)
  const next = [
    `  ${dim('Next:')} plexichat up            ${dim('start the daemon')}`,
    `        plexichat invite        ${dim('bring in friends, or')} plexichat join CODE`,
    `        plexichat backup PATH   ${dim('and you are protected')}`,
  ].join('\n')
  if (made.joins) return `${head}\n  This machine is now a device of vault ${made.vault.slice(0, 12)}…\n\n${next}`
  return [
    head,
    '',
    bold('  These 24 words are the only way back after a loss. They are shown once, now.'),
    '',
    wordGrid(made.phrase)
      .map((line) => `    ${bold(line)}`)
      .join('\n'),
    '',
    `  ${yellow('!')} Write them on paper and keep it away from this machine. Whoever has them has everything;`,
    '    without them nobody, not even we, can bring your data back.',
    `    ${dim('Check your note any time:')} plexichat identity check`,
    '',
    next,
  ].join('\n')
}

/** Six rows of four numbered words, read from left to right. */
function wordGrid(phrase: string): string[] {
  const words = phrase.split(' ').map((word, at) => `${String(at + 1).padStart(2)} ${word.padEnd(10)}`)
  return Array.from({ length: 6 }, (_, row) =>
    words
      .slice(row * 4, row * 4 + 4)
      .join('  ')
      .trimEnd(),
  )
}

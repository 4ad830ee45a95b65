/** Reading secrets, the 24 words above all: from a file, from a pipe, or asked for at the terminal, where they are not echoed. */
import { readFileSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { PlexiError } from '../base/errors.ts'
import { normalisePhrase } from '../crypto/phrase.ts'
import type { Session } from './session.ts'

const MAX_PHRASE_CHARACTERS = 4096
/** What every code for a device begins with. */
const DEVICE_CODE = 'plexidev1'

/** The words as one normalised string; `file` `-` is stdin. `AUTH_PHRASE_INVALID` names what is wrong with them. */
export async function readWords(session: Session, file: string | undefined): Promise<string> {
  const named = file ?? session.io.env['PLEXICHAT_PHRASE_FILE']
  if (named !== undefined && named !== '-') return normalisePhrase(fileText(session, named))
  if (named === '-' || session.io.stdin.isTTY !== true) return normalisePhrase(await piped(session))
  return normalisePhrase(await askHidden('The 24 recovery words'))
}

/** A one-time code; `file` `-` is stdin, none asks at the terminal. Never an argument: others see those. */
export async function readDeviceCode(session: Session, file: string | undefined): Promise<string> {
  if (file?.trim().startsWith(DEVICE_CODE) === true)
    throw new PlexiError('VALIDATION_USAGE', {
      reason: 'the code itself does not belong on the command line: say --device-code alone and paste it when asked',
    })
  if (file !== undefined && file !== '-') return fileText(session, file)
  return file === '-' || session.io.stdin.isTTY !== true ? piped(session) : askHidden('The one-time code')
}

/** Content of a file with secrets; warns where others can read it. */
export async function readPassphrase(session: Session, file: string): Promise<Uint8Array> {
  const { readSecretFile } = await import('../daemon/index.ts')
  const { bytes, exposed } = await readSecretFile(session.path(file))
  if (bytes.length === 0) throw new PlexiError('VALIDATION_USAGE', { reason: `the passphrase file ${file} is empty` })
  if (exposed) session.out.warn(`${file} can be read by other accounts`)
  return bytes
}

/** Asks until answered; an interrupt is `SYSTEM_INTERRUPTED`. */
async function askHidden(message: string): Promise<string> {
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message, mask: '•', output: process.stderr })
  if (isCancel(answer)) throw new PlexiError('SYSTEM_INTERRUPTED')
  return answer
}

/** Yes or no at the terminal; `--yes` answers. Without a terminal the command must have said `--yes`. */
export async function confirmed(session: Session, message: string): Promise<boolean> {
  if (session.options.yes) return true
  if (session.io.stdin.isTTY !== true)
    throw new PlexiError('VALIDATION_USAGE', { reason: `${message} Say --yes to go on` })
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message, output: process.stderr })
  return !isCancel(answer) && answer
}

function fileText(session: Session, file: string): string {
  return readFileSync(session.path(file), 'utf8').slice(0, MAX_PHRASE_CHARACTERS)
}

async function piped(session: Session): Promise<string> {
  return (await textOf(session.io.stdin)).slice(0, MAX_PHRASE_CHARACTERS)
}

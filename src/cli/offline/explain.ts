/** `explain`: what an error code means and what to do. Without a code: all of them. */
import { Command } from 'commander'
import { errorTable, type ErrorCode } from '../../base/error-table.ts'
import { PlexiError } from '../../base/errors.ts'
import { nearest } from '../../config/suggestion.ts'
import type { Cli } from '../cli.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  return new Command('explain').argument('[code]', 'such as STORAGE_TOO_FEW_HOSTS').action(cli.action(explain))
}

async function explain(session: Session, text: string | undefined): Promise<void> {
  if (text === undefined) {
    await listAll(session)
    return
  }
  const code = text.toUpperCase()
  if (!Object.hasOwn(errorTable, code)) {
    const near = nearest(code, Object.keys(errorTable))
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    throw new PlexiError('STORAGE_NOT_FOUND', { what: `error code ${code}${hint}` })
  }
  const entry = errorTable[code as ErrorCode]
  session.out.document({ code, ...entry }, () => {
    const { bold, dim } = session.out.paint
    return [
      bold(code),
      `  ${placeholders(entry.title)}`,
      `  ${dim('Why: ')} ${entry.why}`,
      `  ${dim('Fix: ')} ${placeholders(entry.remedy)}`,
      `  ${dim('Exit:')} ${String(entry.exit)}   ${dim('HTTP:')} ${String(entry.http)}`,
    ].join('\n')
  })
}

async function listAll(session: Session): Promise<void> {
  const codes = Object.entries(errorTable).map(([code, entry]) => ({ code, ...entry }))
  const { table } = await import('../table.ts')
  session.out.document({ codes }, () =>
    table(
      session.out,
      ['code', '>exit', 'what happened'],
      codes.map(({ code, exit, title }) => [code, exit, placeholders(title)]),
    ),
  )
}

/** `{name}` or `{name noun(s)}` stands for a detail that only a real error has. */
function placeholders(text: string): string {
  return text.replace(/\{(\w+)(?: (\w+)\(s\))?\}/g, (_whole, name: string, noun?: string) =>
    noun === undefined ? name.toUpperCase() : `${name.toUpperCase()} ${noun}s`,
  )
}

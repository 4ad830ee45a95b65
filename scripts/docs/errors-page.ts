/** docs/ERRORS.md: every error code with its HTTP status, exit code, cause and remedy, from the one table in code. */
import { type ErrorCode, type ErrorEntry, errorTable } from '../../src/base/error-table.ts'

const exitCodes: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'error',
  2: 'wrong usage',
  3: 'partial: some files could not be read',
  4: 'a key is not trusted',
  10: 'not initialised',
  11: 'busy or locked',
  12: 'wrong passphrase or recovery words',
  13: 'the daemon is not running',
  14: 'too few peers, or no room at them',
  15: 'integrity: stored data is damaged or missing',
  16: 'network',
  17: 'permission',
  18: 'not found',
  130: 'interrupted',
}

const families: Readonly<Record<string, string>> = {
  AUTH: 'Who is asking',
  VALIDATION: 'Malformed input',
  STORAGE: 'What is stored, here and on hosts',
  NETWORK: 'Reaching peers',
  CHAT: 'Conversations',
  CONFIG: 'Configuration',
  SECURITY: 'Signatures, seals and trust',
  SYSTEM: 'This machine and this program',
}

export function errorsPage(): string {
  const entries = Object.entries(errorTable) as [ErrorCode, ErrorEntry][]
  const parts = Object.entries(families).map(([family, meaning]) => {
    const own = entries.filter(([code]) => code.startsWith(`${family}_`))
    return own.length === 0 ? '' : `## ${family}: ${meaning}\n\n${own.map(section).join('\n')}`
  })
  const homeless = entries.filter(([code]) => !Object.keys(families).some((family) => code.startsWith(`${family}_`)))
  if (homeless.length > 0) throw new Error(`no family for ${homeless.map(([code]) => code).join(', ')}`)
  const unknown = entries.filter(([, entry]) => exitCodes[entry.exit] === undefined)
  if (unknown.length > 0) throw new Error(`undocumented exit code of ${unknown.map(([code]) => code).join(', ')}`)
  return `${[introduction(), exits(), ...parts.filter((part) => part !== '')].join('\n\n').trimEnd()}\n`
}

function introduction(): string {
  return [
    '# Errors',
    '',
    '<!-- Generated from src/base/error-table.ts by `npm run docs`; edit the table. -->',
    '',
    'Every failure has one code. On a terminal it is shown with what happened, why, and what to do; with `--json` as the',
    'last line on stderr; over HTTP as `application/problem+json`. `plexichat explain CODE` prints the entry of a code.',
    '`{name}` stands for a detail of the error at hand.',
  ].join('\n')
}

function exits(): string {
  const rows = Object.entries(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`)
  return ['## Exit codes', '', '| exit | means |', '| ---: | --- |', ...rows].join('\n')
}

function section([code, entry]: [ErrorCode, ErrorEntry]): string {
  return [
    `### ${code}`,
    '',
    `**${escape(entry.title)}** · exit ${entry.exit} · HTTP ${entry.http}`,
    '',
    escape(entry.why),
    '',
    `Fix: ${escape(entry.remedy)}`,
    '',
  ].join('\n')
}

/** Angle brackets would be taken for HTML. */
function escape(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

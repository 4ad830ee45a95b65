/** `logs`: the end of the daemon's log, and with `-f` what comes. Works while the daemon is down. */
import { Command } from 'commander'
import { open, stat } from 'node:fs/promises'
import { PlexiError } from '../../base/errors.ts'
import { integerOption, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { printable, timestamp } from '../format.ts'
import type { Session } from '../session.ts'

const MAX_LINES = 100_000
/** Read from the end: enough for the most lines asked for, bounded. */
const MAX_TAIL_BYTES = 32 * 1024 * 1024
const POLL_MS = 250

export function build(cli: Cli): Command {
  return new Command('logs')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <count>', 'how many lines from the end', integerOption(0, MAX_LINES), 100)
    .action(cli.action(logs))
}

async function logs(session: Session, options: { follow?: boolean; lines: number }): Promise<void> {
  const { logFile } = session.paths
  const end = await fileSize(logFile)
  if (end === undefined) {
    session.requireVault()
    if (options.follow !== true)
      throw new PlexiError(
        'STORAGE_NOT_FOUND',
        { what: `${logFile}: the daemon never ran` },
        { remedy: 'plexichat up' },
      )
  }
  const from = Math.max(0, (end ?? 0) - MAX_TAIL_BYTES)
  const tail = await readRange(logFile, from, end ?? 0)
  const lines = tail.split('\n').filter((line) => line !== '')
  for (const line of options.lines === 0 ? [] : lines.slice(-options.lines)) print(session, line)
  if (options.follow === true) await follow(session, end ?? 0)
}

async function follow(session: Session, start: number): Promise<void> {
  const { logFile } = session.paths
  let at = start
  let rest = ''
  for (;;) {
    await cliClock.sleep(POLL_MS, session.signal)
    const size = (await fileSize(logFile)) ?? 0
    // Put aside and begun anew.
    if (size < at) at = 0
    if (size === at) continue
    const lines = (rest + (await readRange(logFile, at, size))).split('\n')
    rest = lines.pop() ?? ''
    at = size
    for (const line of lines) print(session, line)
  }
}

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** A JSON line for people: time, level, text, fields. What is not JSON is shown as it is. */
function print(session: Session, line: string): void {
  const { out } = session
  const entry = parsed(line)
  if (out.json || entry === undefined) {
    out.print(out.json ? line : printable(line))
    return
  }
  const { level, time, msg, pid: _pid, hostname: _hostname, ...fields } = entry
  const name = typeof level === 'number' ? (levels[level] ?? String(level)) : String(level)
  const when = typeof time === 'number' ? new Date(time).toISOString() : String(time)
  const details = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const { dim, yellow, red } = out.paint
  const paint = name === 'error' || name === 'fatal' ? red : name === 'warn' ? yellow : dim
  out.print(
    `${dim(timestamp(when))} ${paint(name.padEnd(5))} ${printable(String(msg))} ${dim(printable(details.join(' ')))}`.trimEnd(),
  )
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function readRange(path: string, from: number, to: number): Promise<string> {
  if (to <= from) return ''
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(to - from)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
    return bytes.subarray(0, bytesRead).toString('utf8')
  } finally {
    await file.close()
  }
}

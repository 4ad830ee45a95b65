/**
 * Everything the CLI prints. Data goes to stdout, progress and notes to stderr. With `--json` stdout carries one
 * document, or lines `{"v":1,"type":…}` for long work, and a failure is one JSON line at the end of stderr.
 */
import { createColors } from 'picocolors'
import { errorTable } from '../base/error-table.ts'
import type { PlexiError } from '../base/errors.ts'
import { failureOf } from '../api/index.ts'
import { printable, short } from './format.ts'
import type { CliIo } from './io.ts'

type Colors = ReturnType<typeof createColors>

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
  readonly progress: boolean
  /** 0, 1 (`-v`) or more. */
  readonly verbose: number
}

export class Output {
  readonly options: OutputOptions
  /** Colours for stdout, or none. */
  readonly paint: Colors
  readonly #paintError: Colors
  readonly #io: CliIo

  constructor(options: OutputOptions, io: CliIo) {
    this.options = options
    this.#io = io
    this.paint = createColors(options.color && wantsColor(io, io.stdout.isTTY))
    this.#paintError = createColors(options.color && wantsColor(io, io.stderr.isTTY))
  }

  get json(): boolean {
    return this.options.json
  }

  get isTerminal(): boolean {
    return this.#io.stdout.isTTY === true
  }

  /** The result of a read: `document` with `--json`, else the text that `human` makes. */
  document(document: unknown, human: () => string): void {
    if (this.json) this.print(JSON.stringify(document))
    else this.print(human())
  }

  /** One line of long work's `--json`. */
  line(type: string, fields: object): void {
    if (this.json) this.print(JSON.stringify({ v: 1, type, ...fields }))
  }

  /** A line on stdout. */
  print(text: string): void {
    this.#io.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`)
  }

  /** Raw bytes to stdout, as fast as its reader takes them. */
  async stream(source: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const part of source) await this.bytes(part)
  }

  bytes(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#io.stdout.write(data, () => {
        resolve()
      })
    })
  }

  /** Something people should know, on stderr; silent with `--quiet` and `--json`. */
  note(text: string): void {
    if (!this.options.quiet && !this.json) this.#io.stderr.write(`${text}\n`)
  }

  warn(text: string): void {
    this.note(`${this.#paintError.yellow('!')} ${printable(text)}`)
  }

  good(text: string): string {
    return `${this.paint.green('✓')} ${text}`
  }

  /** The last thing a failing command prints. `home`: as given on the command line, so that the fix is about it, too. */
  error(error: PlexiError, home?: string): void {
    if (this.json) {
      this.#io.stderr.write(`${JSON.stringify({ v: 1, type: 'error', ...failureOf(error) })}\n`)
      return
    }
    const { red, bold, dim } = this.#paintError
    // Somebody wanted it to end: nothing is wrong.
    if (error.code === 'SYSTEM_INTERRUPTED') {
      this.note(dim(error.message))
      return
    }
    const lines = [
      `${red('✗')} ${bold(red(error.code))}: ${printable(error.message)}`,
      `  ${dim('Why:')} ${errorTable[error.code].why}`,
      `  ${dim('Fix:')} ${printable(forHome(error.remedy, home))}`,
      ...hits(error).map((line) => `  ${dim('Hit:')} ${line}`),
    ]
    if (this.options.verbose > 0 && error.stack !== undefined) lines.push(dim(stackOf(error)))
    this.#io.stderr.write(`${lines.join('\n')}\n`)
  }
}

/** Colour is never forced onto a pipe unless asked for, and never carries meaning alone. */
function wantsColor(io: CliIo, isTTY: boolean | undefined): boolean {
  const { env } = io
  if ((env['NO_COLOR'] ?? '') !== '' || (env['PLEXICHAT_NO_COLOR'] ?? '') !== '') return false
  if ((env['FORCE_COLOR'] ?? '') !== '' && env['FORCE_COLOR'] !== '0') return true
  return isTTY === true && env['TERM'] !== 'dumb'
}

/** `plexichat up` as `plexichat --home DIR up`. A fix that begins with words first may be for another machine. */
function forHome(remedy: string, home: string | undefined): string {
  if (home === undefined) return remedy
  const word = /^[\w@%+=:,./-]+$/.test(home) ? home : `'${home.replaceAll("'", `'\\''`)}'`
  return remedy.replace(/^plexichat /, () => `plexichat --home ${word} `)
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\n  caused by ${error.cause.stack ?? error.cause.message}` : ''
  return `  ${(error.stack ?? '') + cause}`
}

const MAX_HITS = 20

/** The snapshots and files that a loss hits, where the error names them. */
function hits(error: PlexiError): string[] {
  const lines = ['snapshots', 'files'].flatMap((name) => {
    const list = error.details[name]
    return Array.isArray(list) ? list.map((item) => `${name.slice(0, -1)} ${printable(hitText(item))}`) : []
  })
  return lines.length <= MAX_HITS ? lines : [...lines.slice(0, MAX_HITS), `and ${String(lines.length - MAX_HITS)} more`]
}

/** A file is named by its path, or with the snapshot that it is hit in. */
function hitText(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item)
  const { snapshot, path } = item as { readonly snapshot?: unknown; readonly path?: unknown }
  return `${short(String(snapshot))}:${String(path)}`
}

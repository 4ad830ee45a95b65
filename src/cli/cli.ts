/** What a command file gets: the way to run its action in a session, and builders for common options. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { PlexiError } from '../base/errors.ts'
import { namingAbsentRemotes } from './absent-remotes.ts'
import { parseBytes, parseDuration } from '../config/quantity.ts'
import type { CliIo } from './io.ts'
import { Session, type GlobalOptions } from './session.ts'

/** What an action returns: its exit code, 0 when nothing. */
export type ActionResult = Promise<number | undefined> | Promise<void>

export class Cli {
  readonly io: CliIo
  /** Makes the whole program with every command loaded, for completion and documentation. */
  readonly wholeProgram: () => Promise<Command>
  exitCode = 0

  constructor(io: CliIo, wholeProgram: () => Promise<Command>) {
    this.io = io
    this.wholeProgram = wholeProgram
  }

  /** An action for `command.action()`: arguments, then options, then the command are what commander passes. */
  action<A extends readonly unknown[]>(
    run: (session: Session, ...args: A) => ActionResult,
  ): (...params: [...A, Command]) => Promise<void> {
    return async (...params) => {
      const command = params.at(-1) as Command
      const session = new Session(globalOptions(command.optsWithGlobals()), this.io)
      try {
        const code = await run(session, ...(params.slice(0, -1) as unknown as A))
        this.exitCode = typeof code === 'number' ? code : 0
      } catch (error) {
        // What an interrupt or the deadline has broken off shows as such, whatever error it came out as.
        throw session.signal.aborted ? session.signal.reason : await namingAbsentRemotes(session, error)
      } finally {
        session.close()
      }
    }
  }
}

export function globalOptions(given: Readonly<Record<string, unknown>>): GlobalOptions {
  const flag = (name: string): boolean => given[name] === true
  return {
    home: given['home'] as string | undefined,
    json: flag('json'),
    quiet: flag('quiet'),
    verbose: (given['verbose'] as number | undefined) ?? 0,
    color: given['color'] !== false,
    progress: given['progress'] !== false,
    yes: flag('yes'),
    timeoutMs: given['timeout'] as number | undefined,
  }
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

export function bytesOption(text: string): number {
  return parsed(() => parseBytes(text))
}

/** Milliseconds of "10m"; a bare number is seconds. */
export function durationOption(text: string): number {
  return parsed(() => (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text)))
}

/** For whole numbers from `min` to `max`. */
export function integerOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`expected a whole number from ${String(min)} to ${String(max)}.`)
  }
}

/** `SNAP[:PATH]` as its two halves. */
export function snapshotPath(text: string): { ref: string; path: string | undefined } {
  const colon = text.indexOf(':')
  const ref = colon < 0 ? text : text.slice(0, colon)
  if (ref === '') throw new PlexiError('VALIDATION_USAGE', { reason: `no snapshot before the colon in "${text}"` })
  const path = colon < 0 ? '' : text.slice(colon + 1).replace(/^\/+|\/+$/g, '')
  return { ref, path: path === '' ? undefined : path }
}

/** Only the fields that are set: absent and undefined are different things to our types. */
export function given<T extends Readonly<Record<string, unknown>>>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : '')
  }
}

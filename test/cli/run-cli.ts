/** Runs one command line inside the test's process, with its streams and interrupts in the test's hands. */
import { Readable } from 'node:stream'
import { runCli } from '../../src/cli/program.ts'
import type { CliIo } from '../../src/cli/io.ts'

export interface CliRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The last line of stderr as JSON. */
  readonly error: Record<string, unknown>
  /** stdout as one JSON document. */
  readonly json: Record<string, unknown>
  /** stdout as JSON lines. */
  readonly lines: Record<string, unknown>[]
}

export interface CliRunOptions {
  readonly env?: Record<string, string>
  readonly stdin?: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>
  readonly isTTY?: boolean
  /** Gets a function that interrupts the command, as Ctrl-C does. */
  readonly control?: (interrupt: () => void, output: () => string) => void
}

export async function cli(args: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const listeners = new Set<(signal: string) => void>()
  const sink = (parts: Buffer[]) => ({
    isTTY: options.isTTY ?? false,
    columns: 120,
    write(text: string | Uint8Array, done?: () => void) {
      parts.push(Buffer.from(text))
      if (done !== undefined) setImmediate(done)
      return true
    },
  })
  const io: CliIo = {
    args,
    env: { HOME: '/nowhere', ...options.env },
    cwd: process.cwd(),
    userHome: '/nowhere',
    stdin: Readable.from(options.stdin ?? []),
    stdout: sink(out),
    stderr: sink(err),
    onInterrupt(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const text = (parts: Buffer[]) => Buffer.concat(parts).toString()
  options.control?.(
    () => {
      for (const listener of listeners) listener('SIGINT')
    },
    () => text(out) + text(err),
  )
  const code = await runCli(io)
  return {
    code,
    stdout: text(out),
    stderr: text(err),
    get error() {
      return JSON.parse(text(err).trim().split('\n').at(-1) ?? '') as Record<string, unknown>
    },
    get json() {
      return JSON.parse(text(out)) as Record<string, unknown>
    },
    get lines() {
      const lines = text(out).trim().split('\n')
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

/** Waits until `condition` holds; the test's own time-out is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5))
}

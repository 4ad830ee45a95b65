/** What the CLI touches of its process, so that tests can run commands inside theirs. */
import { homedir } from 'node:os'
import type { Readable } from 'node:stream'

export interface TextOut {
  write(text: string | Uint8Array, done?: () => void): boolean
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export type CliInput = Readable & { readonly isTTY?: boolean | undefined }

export interface CliIo {
  /** Without program and script. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly userHome: string
  readonly stdin: CliInput
  readonly stdout: TextOut
  readonly stderr: TextOut
  /** Calls back for each interrupt (Ctrl-C, SIGTERM, SIGHUP) until the returned function is called. */
  onInterrupt(listener: (signal: string) => void): () => void
}

/** Two interrupts nearer than this are one: a launcher passes on what the terminal has sent to both. */
const SAME_INTERRUPT_MS = 100

export function processIo(): CliIo {
  return {
    args: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    userHome: homedir(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    onInterrupt,
  }
}

function onInterrupt(listener: (signal: string) => void): () => void {
  let last = -Infinity
  const handle = (signal: string): void => {
    const now = process.uptime() * 1000
    if (now - last < SAME_INTERRUPT_MS) return
    last = now
    listener(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, handle)
  return () => {
    for (const signal of signals) process.removeListener(signal, handle)
  }
}

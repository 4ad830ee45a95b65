/**
 * A shell command whose output is backed up. Invariants: its whole process group ends when nobody reads any more; the
 * output counts as complete only when it ended with exit code 0.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { PlexiError } from '../../base/errors.ts'

export interface CommandOrder {
  /** As typed into a shell. */
  readonly run: string
  readonly directory: string
  /** Called with each line the command writes to its standard error. */
  readonly tell: (line: string) => void
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Between asking a command to end and ending it. */
const GRACE_MS = 5_000
const MAX_LINE = 1_000

/** Its standard output. Throws `STORAGE_COMMAND_FAILED` after the last byte unless it ended well. */
export async function* commandOutput(order: CommandOrder, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted()
  // A group of its own, so that what a pipeline started ends with it.
  const child: Child = spawn(order.run, {
    cwd: order.directory,
    shell: true,
    detached: process.platform !== 'win32',
    env: withoutOurs(process.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = endOf(child)
  ended.catch(() => undefined)
  const errors = listen(child, order.tell)
  const stop = (): void => {
    endGroup(child)
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const piece of child.stdout as AsyncIterable<Buffer>) {
      signal.throwIfAborted()
      yield piece
    }
    const end = await ended
    signal.throwIfAborted()
    if (end.code !== 0) throw failed(order.run, why(end), errors.last)
  } catch (error) {
    // That the pipe broke is only how it showed.
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    endGroup(child)
  }
}

interface End {
  readonly code: number | null
  readonly signal: string | null
}

/** Rejects where it could not be started. */
function endOf(child: Child): Promise<End> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(failed('the shell', error.message, '')))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

function listen(child: Child, tell: (line: string) => void): { last: string } {
  const errors = { last: '' }
  const lines = createInterface({ input: child.stderr, crlfDelay: Infinity })
  lines.on('line', (line) => {
    if (line.trim() === '') return
    errors.last = line.slice(0, MAX_LINE)
    tell(errors.last)
  })
  return errors
}

function why({ code, signal }: End): string {
  return signal === null ? `exit code ${String(code)}` : `ended by ${signal}`
}

function failed(run: string, reason: string, last: string): PlexiError {
  const command = run.length > 200 ? `${run.slice(0, 200)}…` : run
  return new PlexiError('STORAGE_COMMAND_FAILED', { command, reason: last === '' ? reason : `${reason}: ${last}` })
}

/** Asks all of them to end, and ends who does not. */
function endGroup(child: Child): void {
  if (!kill(child, 'SIGTERM')) return
  setTimeout(() => kill(child, 'SIGKILL'), GRACE_MS).unref()
  child.stdout.destroy()
  child.stderr.destroy()
}

/** False when none of them is left. */
function kill({ pid }: Child, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    return false
  }
}

/** Without what is ours alone: names of files with secrets. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PLEXICHAT_')))
}

/**
 * Real processes of this program: one-shot commands and daemons, started through the launcher like a user would.
 * Every child is ended by pid, whatever happens; `stopEverything` is safe to call twice.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { PlexiError } from '../../../base/errors.ts'

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ReadyLine {
  readonly type: 'ready'
  readonly pid: number
  readonly peerId: string
  readonly vault: string
  readonly addresses: readonly string[]
  readonly api: string
}

/** A running `plexichat daemon`. */
export interface DaemonProcess {
  readonly home: string
  readonly ready: ReadyLine
  /** SIGKILL: no goodbye, as in a power cut. */
  kill(): Promise<void>
  /** SIGTERM: clean shutdown; SIGKILL if it takes longer than 20 s. */
  stop(): Promise<void>
}

const START_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 20_000
const MAX_OUTPUT_CHARS = 64 * 1024 * 1024
const MAX_DAEMON_STDERR_CHARS = 64 * 1024

export class ProcessSet {
  readonly #children = new Set<ChildProcess>()

  /** Runs one command to its end. Never throws for a non-zero exit code. */
  async command(
    args: readonly string[],
    options: { home: string; input?: string | Uint8Array; signal?: AbortSignal },
  ): Promise<CommandResult> {
    const child = this.#spawn([...args, '--home', options.home], options.signal)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < MAX_OUTPUT_CHARS) output[name] += text
      })
    }
    // A command that fails early closes its input; its exit code says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
    const [code] = (await once(child, 'close')) as [number | null]
    options.signal?.throwIfAborted()
    return { code: code ?? 1, ...output }
  }

  /** Runs a command with `--json` and returns its last JSON line; throws its error when it fails. */
  async json(
    args: readonly string[],
    options: { home: string; input?: string; signal?: AbortSignal },
  ): Promise<Record<string, unknown>> {
    const result = await this.command([...args, '--json'], options)
    if (result.code !== 0)
      throw new PlexiError('SYSTEM_UNEXPECTED', {
        reason: `plexichat ${args.join(' ')}: exit ${String(result.code)}: ${lastLine(result.stderr)}`,
      })
    return parseLast(result.stdout)
  }

  /** Starts a daemon and waits for its `ready` line. */
  async daemon(args: readonly string[], options: { home: string; signal?: AbortSignal }): Promise<DaemonProcess> {
    const child = this.#spawn(['daemon', ...args, '--json', '--home', options.home], options.signal)
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_DAEMON_STDERR_CHARS)
    })
    const exited = once(child, 'exit')
    const ready = await Promise.race([
      firstLine(child),
      exited.then(() => {
        throw new PlexiError('SYSTEM_UNEXPECTED', {
          reason: `the daemon ended before it was ready: ${lastLine(stderr)}`,
        })
      }),
    ])
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill(signal)
      const hard = AbortSignal.timeout(STOP_LIMIT_MS)
      hard.addEventListener('abort', () => child.kill('SIGKILL'))
      await exited
    }
    return { home: options.home, ready, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
  }

  /** Ends every child that is still there. */
  async stopEverything(): Promise<void> {
    const running = [...this.#children]
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(
      running
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => once(child, 'exit')),
    )
  }

  #spawn(args: readonly string[], signal?: AbortSignal): ChildProcess {
    signal?.throwIfAborted()
    const child = spawn(process.execPath, [launcherPath(), ...args], {
      stdio: 'pipe',
      env: cleanEnvironment(),
      // A Ctrl-C at the terminal reaches the demo alone, which then ends its children in order.
      detached: true,
      ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' as const }),
    })
    child.on('error', () => undefined)
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }
}

/** The launcher of this checkout or package. */
export function launcherPath(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'bin', 'plexichat')
    if (existsSync(candidate)) return candidate
  }
  throw new PlexiError('STORAGE_NOT_FOUND', { what: 'bin/plexichat' })
}

/** The user's own settings must not leak into throw-away homes. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PLEXICHAT_')))
}

async function firstLine(child: ChildProcess): Promise<ReadyLine> {
  if (child.stdout === null) throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'no output of the daemon' })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(START_LIMIT_MS) })) as [string]
  // Keep reading, so that a full pipe never blocks the daemon.
  child.stdout.resume()
  return JSON.parse(line) as ReadyLine
}

export function parseLast(text: string): Record<string, unknown> {
  const trimmed = text.trim()
  try {
    return JSON.parse(trimmed) as Record<string, unknown>
  } catch {
    return JSON.parse(lastLine(trimmed)) as Record<string, unknown>
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

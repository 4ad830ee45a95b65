/** Other processes: a child that outlives us, and signals by pid. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export interface DetachedChild {
  readonly pid: number
  /** Resolves when it ends, with its exit code or the signal that ended it; only while this process lives. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>
}

/** Starts a process in a session of its own, its output appended to a private file. Rejects where it cannot be started. */
export async function spawnDetached(from: {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  outputPath: string
}): Promise<DetachedChild> {
  const output = openSync(from.outputPath, 'a', 0o600)
  try {
    const child = spawn(from.command, from.args, {
      cwd: '/',
      detached: true,
      env: from.env,
      stdio: ['ignore', output, output],
    })
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    return { pid: child.pid ?? 0, exited }
  } finally {
    closeSync(output)
  }
}

/** False where no such process exists any more. */
export function sendSignal(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** Times whole processes: wall seconds, CPU seconds and peak resident memory as the kernel accounts them. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'

export interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
  readonly stdout: string
}

/** GNU time gives CPU and memory of the process and its waited-for children; without it only the wall time is known. */
const TIME = '/usr/bin/time'

export async function measure(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const timed = existsSync(TIME)
  const [program, ...args] = timed ? [TIME, '-f', '@@ %U %S %M', ...command] : command
  const start = performance.now()
  const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${output.stderr.slice(-2000)}`)
  const [user = NaN, system = NaN, kib = NaN] = (/@@ ([\d.]+) ([\d.]+) (\d+)/.exec(output.stderr)?.slice(1) ?? []).map(
    Number,
  )
  return { seconds, cpuSeconds: user + system, peakMiB: kib / 1024, stdout: output.stdout }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/**
 * Two ways to measure. A whole command: wall seconds, CPU seconds and peak memory as the kernel accounts them. A running
 * process: the same figures of one piece of its work, from /proc.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

export interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
}

/** GNU time gives CPU and memory of the process and its waited-for children; without it only the wall time is known. */
const TIME = '/usr/bin/time'
/** Clock ticks a second in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS = 100

export async function measureCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const timed = existsSync(TIME)
  const [program, ...args] = timed ? [TIME, '-f', '@@ %U %S %M', ...command] : command
  const start = performance.now()
  const child = spawn(program as string, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-10_000)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${String(code)}: ${stderr.slice(-2000)}`)
  const [user = NaN, system = NaN, kib = NaN] = (/@@ ([\d.]+) ([\d.]+) (\d+)/.exec(stderr)?.slice(1) ?? []).map(Number)
  return { seconds, cpuSeconds: user + system, peakMiB: kib / 1024 }
}

/** Measures `work` as done by the process `pid`, all its threads included. */
export async function measureWork(pid: number, work: () => Promise<unknown>): Promise<Measured> {
  forgetPeak(pid)
  const cpu = cpuSeconds(pid)
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  return { seconds, cpuSeconds: cpuSeconds(pid) - cpu, peakMiB: peakMiB(pid) }
}

/** The peak starts again from what is resident now. */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${String(pid)}/clear_refs`, '5')
  } catch {
    // Not permitted everywhere: the peak is then that of the process's whole life, which flatters nobody.
  }
}

function peakMiB(pid: number): number {
  const status = readProc(pid, 'status')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024
}

function cpuSeconds(pid: number): number {
  // The name in parentheses may hold spaces; user and system ticks are the 12th and 13th field after it.
  const fields = (readProc(pid, 'stat').split(') ').at(-1) ?? '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

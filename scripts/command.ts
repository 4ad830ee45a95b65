/** Running the project's own tools: found in node_modules/.bin, output captured, never waiting for input. */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

export const root = join(import.meta.dirname, '..')

export interface Finished {
  readonly exitCode: number
  /** stdout and stderr as they came. */
  readonly output: string
  readonly seconds: number
}

/** Runs `command` in the checkout; a command that cannot start counts as exit code 127. */
export function run(command: string, args: readonly string[] = []): Promise<Finished> {
  const started = performance.now()
  const { promise, resolve } = Promise.withResolvers<Finished>()
  const child = spawn(command, args, { cwd: root, env: toolEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (text: Buffer) => {
    output += text.toString('utf8')
  }
  const finish = (exitCode: number) => {
    resolve({ exitCode, output, seconds: (performance.now() - started) / 1000 })
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.on('error', (error) => {
    output += `${error.message}\n`
    finish(127)
  })
  child.on('close', (code) => {
    finish(code ?? 1)
  })
  return promise
}

/** The environment with the pinned tools first on the path and colours off. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH']].filter(Boolean).join(delimiter)
  return { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: '0' }
}

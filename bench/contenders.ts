/**
 * Who is measured: PlexiChat's engine on a local directory, the floor (tar, zstd and openssl in a pipe: no dedup, no
 * index, no verification), and restic where it is installed. Each gets the same source and an empty place to store in.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { measure, type Measured } from './measure.ts'

export interface Contender {
  readonly name: string
  /** Clears what earlier rounds left and makes ready; not timed. */
  prepare(): void
  backup(): Promise<Measured>
  /** The same backup again; undefined where the notion does not exist. */
  again?(): Promise<Measured>
  restore(): Promise<Measured>
  verify?(): Promise<Measured>
  /** Bytes stored. */
  storedBytes(): number
}

export interface Place {
  /** Folder to back up. */
  readonly source: string
  /** Scratch folder of this contender. */
  readonly scratch: string
}

export function plexichat({ source, scratch }: Place): Contender {
  const engine = (...args: string[]) =>
    measure([process.execPath, join(import.meta.dirname, 'engine.ts'), scratch, ...args])
  return {
    name: 'plexichat',
    prepare: () => {
      empty(scratch)
    },
    backup: () => engine('backup', source),
    again: () => engine('backup', source),
    restore: () => engine('restore', fresh(join(scratch, 'restored'))),
    verify: () => engine('verify'),
    storedBytes: () => diskUsage(join(scratch, 'shards')),
  }
}

export function floor({ source, scratch }: Place): Contender {
  const archive = join(scratch, 'archive')
  const cipher = 'openssl enc -aes-256-ctr -pbkdf2 -pass pass:bench'
  return {
    name: 'tar|zstd|openssl',
    prepare: () => {
      empty(scratch)
    },
    backup: () =>
      measure([
        'bash',
        '-c',
        `set -o pipefail; tar -C '${source}' -cf - . | zstd -q -1 | ${cipher} > '${archive}' && sync -f '${archive}'`,
      ]),
    restore: () =>
      measure([
        'bash',
        '-c',
        `set -o pipefail; ${cipher} -d < '${archive}' | zstd -q -d | tar -C '${fresh(join(scratch, 'restored'))}' -xf -`,
      ]),
    storedBytes: () => diskUsage(archive),
  }
}

export function restic({ source, scratch }: Place): Contender | undefined {
  if (!installed('restic')) return undefined
  const env = {
    RESTIC_PASSWORD: 'bench',
    RESTIC_REPOSITORY: join(scratch, 'repository'),
    RESTIC_CACHE_DIR: join(scratch, 'cache'),
  }
  const run = (...args: string[]) => measure(['restic', '--quiet', ...args], env)
  return {
    name: `restic ${version('restic', 'version')}`,
    prepare() {
      empty(scratch)
      execFileSync('restic', ['init', '--quiet'], { env: { ...process.env, ...env } })
    },
    backup: () => run('backup', '--compression', 'auto', source),
    again: () => run('backup', '--compression', 'auto', source),
    restore: () => run('restore', 'latest', '--target', fresh(join(scratch, 'restored'))),
    verify: () => run('check', '--read-data'),
    storedBytes: () => diskUsage(join(scratch, 'repository')),
  }
}

function empty(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}

function fresh(folder: string): string {
  empty(folder)
  return folder
}

function diskUsage(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0])
}

export function installed(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function version(program: string, argument: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(execFileSync(program, [argument], { encoding: 'utf8' }))?.[0] ?? ''
}

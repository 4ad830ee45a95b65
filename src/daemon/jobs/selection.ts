/** What a request selects to be backed up: files and databases, or one stream: standard input, or a command's output. */
import { basename, isAbsolute } from 'node:path'
import type { BackupRequest } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'

export type Selection = Pick<BackupRequest, 'paths' | 'sqlite' | 'stdin' | 'command'>

const FALLBACK_NAME = 'output'

/** Throws `VALIDATION_USAGE` unless exactly one kind is selected, by absolute paths. */
export function checkSelection({ paths, sqlite = [], stdin, command }: Selection): void {
  const kinds = [paths.length + sqlite.length > 0, stdin !== undefined, command !== undefined]
  if (kinds.filter(Boolean).length !== 1)
    throw new PlexiError('VALIDATION_USAGE', {
      reason: 'name paths to back up, or a stream with --stdin, or a --command: one of them',
    })
  const directory = command?.directory === undefined ? [] : [command.directory]
  const relative = [...paths, ...sqlite, ...directory].find((path) => !isAbsolute(path))
  if (relative !== undefined) throw new PlexiError('VALIDATION_USAGE', { reason: `not an absolute path: ${relative}` })
}

/** For people. */
export function selectionText({ paths, sqlite = [], stdin, command }: Selection): string {
  if (command !== undefined) return `the output of ${command.run}`
  return stdin === undefined ? [...paths, ...sqlite].join(', ') : `stdin as ${stdin}`
}

/** Under which name a command's output is stored: as asked, else the snapshot's name, else the program's. */
export function outputName(command: NonNullable<Selection['command']>, name: string | undefined): string {
  const program = basename(command.run.trim().split(/\s+/, 1)[0] ?? '')
  const usable = [command.as, name, program].find(
    (text) => text !== undefined && /^(?!\.\.?$)[^/\0]{1,200}$/.test(text),
  )
  return usable ?? FALLBACK_NAME
}

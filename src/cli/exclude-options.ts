/** What is left out of a backup, as options and as fields of a request. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { PlexiError } from '../base/errors.ts'
import { collect, given } from './cli.ts'
import type { Session } from './session.ts'

export interface ExcludeOptions {
  readonly exclude?: string[]
  readonly excludeFile?: string[]
  readonly excludeCaches?: boolean
  readonly excludeIfPresent?: string[]
  readonly oneFileSystem?: boolean
}

export interface ExcludeFields {
  readonly exclude?: string[]
  readonly excludeCaches?: boolean
  readonly excludeIfPresent?: string[]
  readonly oneFileSystem?: boolean
}

export function withExcludeOptions(command: Command): Command {
  return command
    .option('--exclude <pattern>', 'leave out what matches (as in .gitignore); may be repeated', collect)
    .option('--exclude-file <file>', 'read such patterns from a file, one a line; may be repeated', collect)
    .option('--exclude-caches', 'leave out what is in directories with a CACHEDIR.TAG')
    .option(
      '--exclude-if-present <name[:header]>',
      'leave out what is beside an entry of that name; may be repeated',
      collect,
    )
    .option('--one-file-system', 'do not enter other file systems below a PATH')
}

/** Throws `VALIDATION_USAGE` for a file of patterns that cannot be read. */
export function excludeFields(session: Pick<Session, 'path'>, options: ExcludeOptions): ExcludeFields {
  const { exclude, excludeFile, excludeCaches, excludeIfPresent, oneFileSystem } = options
  const patterns = [...(exclude ?? []), ...(excludeFile ?? []).flatMap((file) => patternsIn(session.path(file)))]
  return given({
    exclude: patterns.length === 0 ? undefined : patterns,
    excludeCaches,
    excludeIfPresent,
    oneFileSystem,
  })
}

function patternsIn(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  } catch (error) {
    const reason = `the exclude file ${path} cannot be read: ${(error as Error).message}`
    throw new PlexiError('VALIDATION_USAGE', { reason })
  }
}

/** What is backed up and how, as `backup` and `source add` take it. */
import type { Command } from 'commander'
import type { RouteInput } from '../api/index.ts'
import { collect, given } from './cli.ts'
import { excludeFields, withExcludeOptions, type ExcludeOptions } from './exclude-options.ts'
import type { Session } from './session.ts'

export interface SourceOptions extends ExcludeOptions {
  readonly tag?: string[]
  readonly sqlite?: string[]
  readonly command?: string
}

export function withSourceOptions(command: Command): Command {
  return withExcludeOptions(command)
    .argument('[paths...]', 'files and directories')
    .option('--tag <tag>', 'tag; may be repeated', collect)
    .option('--sqlite <file>', 'a SQLite database, in use or not; may be repeated', collect)
    .option('--command <command>', 'back up what this shell command writes to its standard output')
}

/** The fields of a source's definition. Relative paths are those of whoever asks; a command runs where it was typed. */
export function definitionBody(
  session: Session,
  paths: readonly string[],
  options: SourceOptions,
): Omit<RouteInput<'sourceAdd'>['body'], 'name' | 'replace'> {
  const { tag: tags, sqlite, command } = options
  return {
    paths: paths.map((path) => session.path(path)),
    ...excludeFields(session, options),
    ...given({
      tags,
      sqlite: sqlite?.map((path) => session.path(path)),
      command: command === undefined ? undefined : { run: command, directory: session.path('.') },
    }),
  }
}

/** What is backed up and how, as `backup` and `source add` take it. */
import type { Command } from 'commander'
import type { RouteInput } from '../api/index.ts'
import { collect, given } from './cli.ts'
import type { Session } from './session.ts'

export interface SourceOptions {
  readonly tag?: string[]
  readonly exclude?: string[]
}

export function withSourceOptions(command: Command): Command {
  return command
    .argument('[paths...]', 'files and directories')
    .option('--tag <tag>', 'tag; may be repeated', collect)
    .option('--exclude <pattern>', 'leave out what matches (as in .gitignore); may be repeated', collect)
}

/** The fields of a source's definition. */
export function definitionBody(
  session: Session,
  paths: readonly string[],
  { tag: tags, exclude }: SourceOptions,
): Omit<RouteInput<'sourceAdd'>['body'], 'name' | 'replace'> {
  return { paths: paths.map((path) => session.path(path)), ...given({ tags, exclude }) }
}

/** `source`: what is backed up again and again, under a name. */
import { basename, resolve } from 'node:path'
import { Command } from 'commander'
import type { BackupSummary, Source } from '../../api/index.ts'
import type { Cli } from '../cli.ts'
import { PlexiError } from '../../base/errors.ts'
import { cliClock } from '../clock.ts'
import { ago, counted, size } from '../format.ts'
import { followJob } from '../job-follow.ts'
import type { Session } from '../session.ts'
import { definitionBody, withSourceOptions, type SourceOptions } from '../source-options.ts'

export function build(cli: Cli): Command {
  const source = new Command('source')
  source.command('ls', { isDefault: true }).description('all sources').action(cli.action(list))
  withSourceOptions(source.command('add').argument('<name>', 'also the name of its snapshots'))
    .description('define one, to be backed up by: plexichat backup --name NAME')
    .option('--replace', 'take the place of the definition of that name')
    .action(cli.action(add))
  source.command('show').description('one source').argument('<name>').action(cli.action(show))
  source
    .command('estimate')
    .description('read and count what a backup would store')
    .argument('<name>')
    .action(cli.action(estimate))
  source
    .command('rm')
    .description('forget a source with its schedules and policy; its snapshots stay')
    .argument('<name>')
    .action(cli.action(remove))
  return source
}

async function list(session: Session): Promise<void> {
  const sources = await session.askList('sources', {})
  const { table } = await import('../table.ts')
  session.out.document({ sources }, () => {
    if (sources.length === 0) return 'No sources; to define one: plexichat source add NAME PATH'
    const rows = sources.map((source) => [
      source.name,
      what(source),
      source.running ? 'now' : ago(source.lastBackup, cliClock.now()),
      source.nextRun === null ? 'not scheduled' : ago(source.nextRun, cliClock.now()),
    ])
    return table(session.out, ['name', 'what', 'last backup', 'next'], rows)
  })
}

type AddOptions = SourceOptions & { readonly replace?: boolean }

async function add(session: Session, ...[name, paths, options]: [string, string[], AddOptions]): Promise<void> {
  if (name.includes('/')) throw pathForName(name, paths)
  const body = { name, replace: options.replace === true, ...definitionBody(session, paths, options) }
  const made = await session.ask('sourceAdd', { body })
  session.out.document(made, () => session.out.good(`${made.name}: ${what(made)}`))
}

/** The name was left out, most likely. */
function pathForName(path: string, more: readonly string[]): PlexiError {
  const all = [path, ...more].join(' ')
  return new PlexiError(
    'VALIDATION_USAGE',
    { reason: `"${path}" is a path: a source has a name before its paths` },
    { remedy: `plexichat source add ${basename(resolve(path)) || 'all'} ${all}` },
  )
}

async function show(session: Session, name: string): Promise<void> {
  const source = await session.ask('source', { params: { id: name } })
  const { pairs } = await import('../table.ts')
  session.out.document(source, () =>
    pairs(session.out, [
      ['name', source.name],
      ['what', what(source)],
      ['without', source.definition.exclude.join(' ')],
      ['tags', source.definition.tags.join(' ')],
      ['last backup', ago(source.lastBackup, cliClock.now())],
      ['next', source.nextRun === null ? 'not scheduled' : ago(source.nextRun, cliClock.now())],
    ]),
  )
}

type Estimate = Pick<BackupSummary, 'files' | 'bytes' | 'newBytes' | 'storedBytes'>

async function estimate(session: Session, name: string): Promise<void> {
  const job = await session.ask('sourceEstimate', { params: { id: name } })
  const followed = await followJob(session, job, { onInterrupt: 'cancel' })
  const summary = followed.end === 'done' ? followed.summary : followed.saved
  session.out.line('summary', { job: job.id, ...summary })
  if (session.out.json) return
  const { files, bytes, newBytes, storedBytes } = summary as Estimate
  const stored = `${size(newBytes)} of it new, stored as about ${size(storedBytes)}`
  session.out.print(`Would back up ${counted(files, 'file')}, ${size(bytes)}; ${stored}`)
}

async function remove(session: Session, name: string): Promise<void> {
  await session.ask('sourceRemove', { params: { id: name } })
  session.out.document({ ok: true, name }, () => session.out.good(`${name} is no source any more; its snapshots stay`))
}

function what({ definition }: Source): string {
  const { paths, sqlite = [], command } = definition
  return command === undefined ? [...paths, ...sqlite].join(' ') : `the output of ${command.run}`
}

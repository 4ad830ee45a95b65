/** `config`: settings. `path` and `validate` need no daemon; the others ask the one that is running. */
import { Command } from 'commander'
import { existsSync, readFileSync } from 'node:fs'
import { PlexiError } from '../../base/errors.ts'
import type { Cli } from '../cli.ts'
import type { Session } from '../session.ts'

type Value = string | number | boolean | string[] | null

export function build(cli: Cli): Command {
  const config = new Command('config')
  config
    .command('show', { isDefault: true })
    .description('all settings')
    .option('--origin', 'and who decided each')
    .action(cli.action(show))
  config.command('get').description('one setting').argument('<key>').action(cli.action(get))
  config
    .command('set')
    .description('change a setting in the file')
    .argument('<key>')
    .argument('<value>', 'several values of a list are separated by commas')
    .action(cli.action(set))
  config
    .command('validate')
    .description('check a configuration file')
    .argument('[file]', 'instead of the one of this home')
    .action(cli.action(validate))
  config.command('path').description('where the file is').action(cli.action(path))
  return config
}

async function show(session: Session, options: { origin?: boolean }): Promise<void> {
  const config = await session.ask('config', {})
  const { table } = await import('../table.ts')
  session.out.document(config, () => {
    const head = options.origin === true ? ['setting', 'value', 'from', 'takes effect'] : ['setting', 'value']
    const rows = config.settings.map(({ key, value, origin, reloadable }) => {
      const row = [key, valueText(value)]
      return options.origin === true ? [...row, origin, reloadable ? 'at once' : 'after a restart'] : row
    })
    return table(session.out, head, rows)
  })
}

async function get(session: Session, key: string): Promise<void> {
  const { settings } = await session.ask('config', {})
  const found = settings.find((setting) => setting.key === key)
  if (found === undefined)
    throw new PlexiError('STORAGE_NOT_FOUND', { what: `setting ${key}` }, { remedy: 'plexichat config show' })
  session.out.document(found, () => valueText(found.value))
}

async function set(session: Session, key: string, text: string): Promise<void> {
  const { settings } = await session.ask('config', {})
  const before = settings.find((setting) => setting.key === key)?.value
  const changed = await session.ask('configChange', { body: { set: { [key]: typed(text, before) } } })
  session.out.document(changed, () => session.out.good(`${key} = ${text}`))
  if (changed.needRestart.length > 0) session.out.warn('takes effect after: plexichat restart')
}

async function validate(session: Session, file: string | undefined): Promise<void> {
  const { parseSettings } = await import('../../daemon/index.ts')
  const at = file === undefined ? session.paths.config : session.path(file)
  if (file !== undefined && !existsSync(at)) throw new PlexiError('STORAGE_NOT_FOUND', { what: file })
  const text = existsSync(at) ? readFileSync(at, 'utf8') : undefined
  parseSettings(text, { configPath: at, env: session.io.env })
  const missing = text === undefined
  session.out.document({ ok: true, path: at, exists: !missing }, () =>
    session.out.good(missing ? `${at} does not exist: the defaults are in force` : `${at} is valid`),
  )
}

async function path(session: Session): Promise<void> {
  const { config } = session.paths
  session.out.document({ path: config, exists: existsSync(config) }, () => config)
}

/** The text as the type the setting has now. The daemon checks it. */
function typed(text: string, before: Value | undefined): Value {
  if (Array.isArray(before)) return text === '' ? [] : text.split(',').map((item) => item.trim())
  if (typeof before === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  if (typeof before === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function valueText(value: Value): string {
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** `policy`: what `forget` keeps of a source, and when a missing backup is an alarm. */
import { Command, Option } from 'commander'
import type { PolicyView } from '../../api/index.ts'
import { durationText } from '../../config/quantity.ts'
import { durationOption, given, type Cli } from '../cli.ts'
import { keepOf, withKeepOptions } from '../keep-options.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const policy = new Command('policy')
  policy
    .command('show', { isDefault: true })
    .description('what holds for a source, or where none is named for all without an own policy')
    .argument('[source]')
    .action(cli.action(show))
  const set = policy
    .command('set')
    .description('change what is named, leave the rest')
    .argument('[source]')
    .addOption(
      new Option(
        '--backup-every <duration>',
        'raise an alarm when the newest backup is older, such as 2d; or never',
      ).argParser(everyOption),
    )
    .option('--reset', 'begin with an empty policy')
  withKeepOptions(set).action(cli.action(change))
  return policy
}

async function show(session: Session, scope = 'default'): Promise<void> {
  await print(session, await session.ask('policy', { params: { scope } }))
}

type SetOptions = { readonly backupEvery?: number; readonly reset?: boolean } & Readonly<Record<string, unknown>>

async function change(session: Session, source: string | undefined, options: SetOptions): Promise<void> {
  const scope = source ?? 'default'
  const before = options.reset === true ? {} : (await session.ask('policy', { params: { scope } })).policy
  const keep = { ...before.keep, ...keepOf(options) }
  const body = {
    ...before,
    ...given({ backupEveryMs: options.backupEvery }),
    ...(Object.keys(keep).length === 0 ? {} : { keep }),
  }
  await print(session, await session.ask('policySet', { params: { scope }, body }))
}

async function print(session: Session, view: PolicyView): Promise<void> {
  const { pairs } = await import('../table.ts')
  const { keep = {}, backupEveryMs = 0 } = view.effective
  session.out.document(view, () => {
    const rules = Object.entries(keep).map(([name, value]) => [flagOf(name), JSON.stringify(value)] as const)
    return pairs(session.out, [
      ['for', view.scope],
      ['alarm without a backup for', backupEveryMs === 0 ? 'never' : durationText(backupEveryMs)],
      ...(rules.length === 0 ? [['keep', 'everything'] as const] : rules),
    ])
  })
}

function flagOf(name: string): string {
  return name.replace('Tags', 'Tag').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function everyOption(text: string): number {
  return text === 'never' ? 0 : durationOption(text)
}

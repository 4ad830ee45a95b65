/** `notify`: who is told of alarms and runs. */
import { Command, Option } from 'commander'
import type { Target } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import { given, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, count } from '../format.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const notify = new Command('notify')
  notify.command('ls', { isDefault: true }).description('who is told').action(cli.action(list))
  notify
    .command('add')
    .description('tell a webhook, or a local command: plexichat notify add NAME -- /path/to/program ARGS')
    .argument('<name>', 'what you call it')
    .argument('[command...]', 'program and arguments after --, run without a shell; gets the message as JSON on stdin')
    .option('--webhook <url>', 'http or https; gets the message as a signed POST')
    .option('--secret-file <file>', 'signs what the webhook gets; otherwise one is made and printed once')
    .addOption(new Option('--on <what>', 'what is told').choices(['alarms', 'runs', 'all']).default('alarms'))
    .action(cli.action(add))
  notify.command('test').description('send a test message now').argument('<name>').action(cli.action(test))
  notify.command('rm').description('tell it no longer').argument('<name>').action(cli.action(remove))
  return notify
}

async function list(session: Session): Promise<void> {
  const targets = await session.askList('notifications', {})
  const { table } = await import('../table.ts')
  session.out.document({ targets }, () => {
    if (targets.length === 0) return 'Nobody is told; to change that: plexichat notify add NAME --webhook URL'
    const rows = targets.map((target) => [
      target.name,
      target.kind,
      target.address,
      target.wants,
      count(target.waiting),
      target.lastError ?? ago(target.lastDelivered, cliClock.now()),
    ])
    return table(session.out, ['name', 'kind', 'where', 'told of', '>waiting', 'last'], rows)
  })
}

interface AddOptions {
  readonly webhook?: string
  readonly secretFile?: string
  readonly on: Target['wants']
}

async function add(session: Session, ...[name, command, options]: [string, string[], AddOptions]): Promise<void> {
  const { webhook: url, secretFile, on: wants } = options
  if ((url === undefined) === (command.length === 0))
    throw new PlexiError('VALIDATION_USAGE', { reason: 'give either --webhook URL, or a command after --' })
  if (url === undefined) {
    const target = await session.ask('notificationAdd', { body: { name, command, wants } })
    session.out.document(target, () => session.out.good(`${name} is told; to try it: plexichat notify test ${name}`))
    return
  }
  const secret = secretFile === undefined ? undefined : await secretOf(session.path(secretFile))
  const target = await session.ask('webhookAdd', { body: { name, url, wants, ...given({ secret }) } })
  // Who brought the secret has it.
  const { secret: made, ...shown } = target
  session.out.document(secret === undefined ? target : shown, () =>
    [
      session.out.good(`${name} is told; to try it: plexichat notify test ${name}`),
      ...(secret === undefined ? [`  secret     ${made}`, '  It signs every message and is not shown again.'] : []),
    ].join('\n'),
  )
}

async function secretOf(path: string): Promise<string> {
  const { readSecretFile } = await import('../../daemon/index.ts')
  return (await readSecretFile(path)).bytes.toString('utf8')
}

async function test(session: Session, name: string): Promise<void> {
  const tested = await session.ask('notificationTest', { params: { id: name } })
  if (!tested.ok) throw new PlexiError('SYSTEM_NOTIFY_FAILED', { target: name, reason: tested.text })
  session.out.document(tested, () => session.out.good(`${name}: ${tested.text}`))
}

async function remove(session: Session, name: string): Promise<void> {
  await session.ask('notificationRemove', { params: { id: name } })
  session.out.document({ ok: true, name }, () => session.out.good(`${name} is told no longer`))
}

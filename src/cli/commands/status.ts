/** `status`, and the one sentence that a bare `plexichat` prints. */
import { Command, Option } from 'commander'
import type { Status } from '../../api/index.ts'
import type { Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, count, percent, printable, size } from '../format.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  return new Command('status').addOption(new Option('--sentence').hideHelp()).action(cli.action(status))
}

async function status(session: Session, options: { sentence?: boolean }): Promise<void> {
  const now = await session.ask('status', {})
  const { pairs } = await import('../table.ts')
  session.out.document(now, () => {
    const sentence = `${mark(session, now)} ${printable(now.sentence)}`
    if (options.sentence === true) return sentence
    return [sentence, '', pairs(session.out, figures(now)), ...alarms(session, now)].join('\n')
  })
}

function mark(session: Session, { protected: state }: Status): string {
  const { green, yellow, red } = session.out.paint
  if (state === 'yes') return green('✓')
  return state === 'none' ? red('✗') : yellow('!')
}

function figures(now: Status): [string, string][] {
  return [
    ['protected', now.protected],
    ['safe', safety(now)],
    ['restorable now', percent(now.restorable)],
    ['last backup', ago(now.lastBackup, cliClock.now())],
    ['snapshots', count(now.snapshots)],
    ['hosts', `${count(now.hosts.online)} online of ${count(now.hosts.eligible)}`],
    ['stored with others', size(now.used)],
    ...now.remotes.map(({ path, state, complete }): [string, string] => [
      'remote',
      `${printable(path)}: ${complete ? 'complete' : 'not complete'}${state === 'present' ? '' : `, ${state}`}`,
    ]),
    ['held for others', size(now.given)],
    ['waiting for hosts', size(now.queued)],
  ]
}

/** Of hosts alone; without any, 0 % would sound as if the remotes were nothing. */
function safety({ safe, target, measured, hosts, used, remotes }: Status): string {
  if (hosts.eligible === 0 && used === 0 && remotes.some(({ complete }) => complete))
    return `only as safe as the remote, no host has a copy (target ${percent(target)})`
  return `${percent(safe)} (target ${percent(target)}${measured ? '' : ', not measured yet'})`
}

function alarms(session: Session, now: Status): string[] {
  const { red, dim } = session.out.paint
  return now.alarms.flatMap(({ code, text, remedy, since }) => [
    '',
    `${red('!')} ${code}: ${printable(text)} ${dim(`(${ago(since, cliClock.now())})`)}`,
    `  ${dim('Fix:')} ${remedy}`,
  ])
}

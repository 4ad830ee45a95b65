/** `circle`: private networks. A daemon is in one at a time. */
import { Command } from 'commander'
import type { Circle } from '../../api/index.ts'
import { given, type Cli } from '../cli.ts'
import { count } from '../format.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  const circle = new Command('circle')
  circle.command('ls', { isDefault: true }).description('circles of this home').action(cli.action(list))
  circle
    .command('create')
    .description('make a private circle and enter it')
    .argument('[name]', 'what you call it')
    .option('--no-key', 'without a pre-shared key: whoever knows the id can connect')
    .action(cli.action(create))
  circle.command('leave').description('back to the circle main').action(cli.action(leave))
  return circle
}

async function list(session: Session): Promise<void> {
  const circles = await session.askList('circles', {})
  const { table } = await import('../table.ts')
  session.out.document({ circles }, () => {
    const rows = circles.map((item) => [
      item.current ? '→' : '',
      item.circle,
      item.name ?? '',
      item.private ? 'private' : 'open',
      count(item.peers),
    ])
    return table(session.out, ['', 'circle', 'name', 'kind', '>peers'], rows)
  })
}

async function create(session: Session, name: string | undefined, options: { key: boolean }): Promise<void> {
  print(session, await session.ask('circleCreate', { body: { withKey: options.key, ...given({ name }) } }), 'Made')
}

async function leave(session: Session): Promise<void> {
  print(session, await session.ask('circleLeave', {}), 'Back in')
}

function print(session: Session, circle: Circle, verb: string): void {
  session.out.document(circle, () => session.out.good(`${verb} the circle ${circle.name ?? circle.circle}`))
  if (circle.restart) session.out.warn('to enter it: plexichat restart')
}

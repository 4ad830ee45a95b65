/** `events`: what happened lately, and with `-f` what happens. */
import { Command } from 'commander'
import type { DaemonEvent } from '../../api/index.ts'
import { integerOption, type Cli } from '../cli.ts'
import { printable, timestamp } from '../format.ts'
import type { Session } from '../session.ts'

export function build(cli: Cli): Command {
  return new Command('events')
    .option('-f, --follow', 'go on with what happens')
    .option('--since <number>', 'events after this number', integerOption(0, Number.MAX_SAFE_INTEGER), 0)
    .action(cli.action(events))
}

async function events(session: Session, options: { follow?: boolean; since: number }): Promise<void> {
  if (options.follow !== true) {
    const list = await session.askList('events', { query: { since: options.since } })
    session.out.document({ events: list }, () => list.map(line).join('\n'))
    return
  }
  await session.reach(async (client) => {
    for await (const frame of client.follow({ since: options.since }, session.signal)) {
      if (frame.type !== 'event') continue
      session.out.line('event', frame.event)
      if (!session.out.json) session.out.print(line(frame.event))
    }
  })
}

function line({ time, topic, text }: DaemonEvent): string {
  return `${timestamp(time)}  ${topic.padEnd(8)} ${printable(text)}`
}

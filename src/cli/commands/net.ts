/** `net`: addresses, reachability and the DHT. */
import { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { counted } from '../format.ts'
import type { Session } from '../session.ts'

const NETWORK_TROUBLE = 16

export function build(cli: Cli): Command {
  const net = new Command('net')
  net.command('check').description('can others reach this machine?').action(cli.action(check))
  net.command('addrs').description('addresses to give to others').action(cli.action(addresses))
  net.command('dht').description('the distributed hash table').action(cli.action(dht))
  return net
}

async function check(session: Session): Promise<number> {
  const answer = await session.ask('networkCheck', {})
  session.out.document(answer, () => {
    const { green, red, dim } = session.out.paint
    return answer.checks
      .flatMap(({ name, ok, text, remedy }) => [
        `${ok ? green('✓') : red('✗')} ${name}: ${text}`,
        ...(remedy === null ? [] : [`  ${dim('Fix:')} ${remedy}`]),
      ])
      .join('\n')
  })
  return answer.ok ? 0 : NETWORK_TROUBLE
}

async function addresses(session: Session): Promise<void> {
  const { peer, circle, listen, addresses: dialable } = await session.ask('network', {})
  session.out.document({ peer, circle, listen, addresses: dialable }, () => dialable.join('\n'))
}

async function dht(session: Session): Promise<void> {
  const { circle, connections, dht: table, bootstrap } = await session.ask('network', {})
  session.out.document({ circle, connections, ...table, bootstrap }, () =>
    [
      `${table.protocol} as ${table.mode}`,
      `  ${counted(table.peers, 'peer')} in the routing table, ${counted(connections, 'connection')}, ${counted(table.records, 'record')} kept`,
      ...bootstrap.map((address) => `  asks first: ${address}`),
    ].join('\n'),
  )
}

/** `peers`: the machines this one knows, and what it thinks of them. */
import { Command } from 'commander'
import type { Peer } from '../../api/index.ts'
import { bytesOption, given, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, percent, size, who } from '../format.ts'
import type { Session } from '../session.ts'
import { confirmed } from '../words.ts'

export function build(cli: Cli): Command {
  const peers = new Command('peers')
  peers.command('ls', { isDefault: true }).description('everybody known').action(cli.action(list))
  peers
    .command('show')
    .description('one peer')
    .argument('<peer>', 'id, start of an id, or name')
    .action(cli.action(show))
  peers
    .command('add')
    .description('dial an address and remember the peer')
    .argument('<multiaddr>')
    .action(cli.action(add))
  peers
    .command('trust')
    .description('vouch for a peer: it needs no proof of work and counts as a friend')
    .argument('<peer>')
    .option('--name <name>', 'what you call it')
    .option('--off', 'no longer vouch for it')
    .action(cli.action(trust))
  peers
    .command('block')
    .description('have nothing to do with a peer')
    .argument('<peer>')
    .option('--off', 'unblock it')
    .action(cli.action(block))
  peers
    .command('quota')
    .description('how much a peer may store here')
    .argument('<peer>')
    .argument('<size>', 'such as 50GiB, or "default"')
    .action(cli.action(quota))
  peers.command('ping').description('is it there?').argument('<peer>').action(cli.action(ping))
  return peers
}

async function list(session: Session): Promise<void> {
  const peers = await session.askList('peers', {})
  const { table } = await import('../table.ts')
  session.out.document({ peers }, () => {
    if (peers.length === 0) return 'Nobody yet. Bring somebody in: plexichat invite'
    const head = ['name', 'peer', 'state', 'vouched', 'seen', '>score', '>holds of mine', '>I hold']
    const rows = peers.map((peer) => [
      peer.name ?? '',
      peer.peer,
      peer.state,
      peer.vouched ? 'yes' : 'no',
      peer.online ? 'online' : ago(peer.lastSeen, cliClock.now()),
      percent(peer.score),
      size(peer.received),
      size(peer.given),
    ])
    return table(session.out, head, rows)
  })
}

async function show(session: Session, id: string): Promise<void> {
  await print(session, await session.ask('peer', { params: { id } }))
}

async function add(session: Session, address: string): Promise<void> {
  await print(session, await session.ask('peerAdd', { body: { address } }))
}

async function trust(session: Session, id: string, options: { name?: string; off?: boolean }): Promise<void> {
  const body = { trusted: options.off !== true, ...given({ name: options.name }) }
  await print(session, await session.ask('peerTrust', { params: { id }, body }))
}

async function block(session: Session, id: string, options: { off?: boolean }): Promise<void> {
  const blocked = options.off !== true
  if (
    blocked &&
    !session.out.json &&
    !(await confirmed(session, `Block ${id}? What it holds of yours counts as lost.`))
  )
    return
  await print(session, await session.ask('peerBlock', { params: { id }, body: { blocked } }))
}

async function quota(session: Session, id: string, text: string): Promise<void> {
  const bytes = text === 'default' ? null : bytesOption(text)
  await print(session, await session.ask('peerQuota', { params: { id }, body: { bytes } }))
}

async function ping(session: Session, id: string): Promise<number> {
  const answer = await session.ask('peerPing', { params: { id } })
  session.out.document(answer, () =>
    answer.ok ? session.out.good(`${id} answered in ${String(answer.ms)} ms`) : `${id} did not answer`,
  )
  return answer.ok ? 0 : 16
}

async function print(session: Session, peer: Peer): Promise<void> {
  const { pairs } = await import('../table.ts')
  session.out.document(peer, () =>
    pairs(session.out, [
      ['name', peer.name ?? 'unknown'],
      ['peer', peer.peer],
      ['vault', peer.vault ?? 'unknown'],
      ['vouched', peer.vouched ? 'yes' : 'no'],
      ['state', peer.state],
      ['seen', peer.online ? 'online now' : ago(peer.lastSeen, cliClock.now())],
      ['address', peer.address ?? 'unknown'],
      ['score', percent(peer.score)],
      ['availability', percent(peer.availability)],
      [`${who(peer)} holds of mine`, size(peer.received)],
      ['I hold', size(peer.given)],
      [
        'offers',
        peer.offered === null ? 'not asked yet' : `${size(peer.offered)}, ${size(peer.free ?? 0)} free for me`,
      ],
      ['quota here', peer.quota === null ? 'the general rules' : size(peer.quota)],
    ]),
  )
}

/** `shard`: single shards, for who wants to see for themselves. `verify FILE` needs no daemon. */
import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { PlexiError } from '../../base/errors.ts'
import { given, integerOption, type Cli } from '../cli.ts'
import { cliClock } from '../clock.ts'
import { ago, short, size, who } from '../format.ts'
import { writeWholeFile } from '../whole-file.ts'
import { checkShardFile } from '../offline/shard-file.ts'
import type { Session } from '../session.ts'

const LAST_LEAF = 63

export function build(cli: Cli): Command {
  const shard = new Command('shard')
  shard
    .command('ls')
    .description('shards of this vault')
    .option('--snapshot <snap>', 'those a snapshot needs')
    .option('--peer <peer>', 'those a peer holds')
    .option('--hosted', 'those kept here for others')
    .action(cli.action(list))
  shard.command('show').description('one shard').argument('<id>').action(cli.action(show))
  shard
    .command('verify')
    .description('check the Merkle root of a shard, or of a file')
    .argument('<id|file>')
    .action(cli.action(verify))
  shard
    .command('proof')
    .description('a leaf of 16 KiB with its Merkle path')
    .argument('<id>')
    .requiredOption('--leaf <index>', '0 to 63', integerOption(0, LAST_LEAF))
    .action(cli.action(proof))
  shard.command('locate').description('ask who holds it now').argument('<id>').action(cli.action(locate))
  shard
    .command('fetch')
    .description('write the sealed bytes to a file')
    .argument('<id>')
    .requiredOption('--to <file>', 'where to; - for standard output')
    .action(cli.action(fetchBody))
  return shard
}

async function list(session: Session, options: { snapshot?: string; peer?: string; hosted?: boolean }): Promise<void> {
  const { snapshot, peer } = options
  const query = given({ snapshot, peer, hosted: options.hosted === true ? 'true' : undefined })
  const shards = await session.askList('shards', { query })
  const { table } = await import('../table.ts')
  session.out.document({ shards }, () => {
    if (shards.length === 0) return 'No shards'
    const rows = shards.map((item) => [
      short(item.id, 16),
      item.kind,
      item.state,
      item.stripe === null ? '' : short(item.stripe),
      item.index === null
        ? ''
        : `${String(item.index)} of ${String(item.k ?? '?')}+${String((item.n ?? 0) - (item.k ?? 0))}`,
      item.holders.map(who).join(' '),
    ])
    return table(session.out, ['shard', 'kind', 'state', 'stripe', 'index', 'holders'], rows)
  })
}

async function show(session: Session, id: string): Promise<void> {
  const shard = await session.ask('shard', { params: { id } })
  const { pairs } = await import('../table.ts')
  session.out.document(shard, () => {
    const now = cliClock.now()
    return pairs(session.out, [
      ['shard', shard.id],
      ['why', shard.why],
      ['kind', shard.kind],
      ['state', shard.state],
      ['sealed', `suite ${String(shard.suite ?? '?')}, epoch ${String(shard.epoch ?? '?')}`],
      ['stripe', shard.stripe ?? 'none yet'],
      [
        'place',
        shard.index === null ? 'none yet' : `${String(shard.index)} of ${String(shard.k)}-of-${String(shard.n)}`,
      ],
      ['chunks', shard.chunks ?? 'no key'],
      ...shard.holders.map((holder): [string, string] => [
        'holder',
        `${who(holder)}: ${holder.state}${holder.leaseUntil === null ? '' : `, lease ends ${ago(holder.leaseUntil, now)}`}`,
      ]),
    ])
  })
}

async function verify(session: Session, what: string): Promise<void> {
  const isFile = what.includes('/') || !/^[0-9a-f]{4,64}$/.test(what) || existsSync(session.path(what))
  const check = isFile
    ? await checkShardFile(session.path(what), what)
    : await session.ask('shardVerify', { params: { id: what } })
  session.out.document(check, () =>
    check.ok
      ? session.out.good(`${String(check.leaves)} leaves lead to the root ${check.root}`)
      : `root ${check.root} is not ${check.id}`,
  )
  if (!check.ok) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: check.id })
}

async function proof(session: Session, id: string, options: { leaf: number }): Promise<void> {
  const answer = await session.ask('shardProof', { params: { id }, query: { leaf: options.leaf } })
  session.out.document(answer, () =>
    [
      `leaf ${String(answer.leaf)} (${size(answer.data.length / 2)})  ${short(answer.data, 32)}…`,
      ...answer.path.map((hash, level) => `  ${String(level)}  ${hash}`),
      `root  ${answer.root}`,
      answer.ok ? session.out.good('the path leads to the id') : 'the path does NOT lead to the id',
    ].join('\n'),
  )
  if (!answer.ok) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: answer.id })
}

async function locate(session: Session, id: string): Promise<void> {
  const answer = await session.ask('shardHolders', { params: { id } })
  const { table } = await import('../table.ts')
  session.out.document(answer, () => {
    const rows = answer.holders.map((holder) => [who(holder), holder.peer, holder.state])
    return rows.length === 0 ? 'Nobody' : table(session.out, ['name', 'peer', 'state'], rows)
  })
}

async function fetchBody(session: Session, id: string, options: { to: string }): Promise<void> {
  await session.reach(async (client) => {
    const body = client.bytes('shardBody', { params: { id } }, { signal: session.signal })
    if (options.to === '-') {
      await session.out.stream(body)
      return
    }
    const path = session.path(options.to)
    const bytes = await writeWholeFile(path, body)
    session.out.document({ id, path, bytes }, () => session.out.good(`${size(bytes)} in ${path}`))
  })
}

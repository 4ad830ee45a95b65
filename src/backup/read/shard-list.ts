/** Shards as people look at them: where they are, what they are for. */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { openShard, type Holder, type ShardId } from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import { epochKeyOf } from '../engine-keys.ts'
import type { Parts } from '../parts.ts'
import type { Session } from '../session.ts'
import { findSnapshot, listSnapshots, type NamedSnapshot } from '../snapshot/find.ts'
import { shardSet } from './shard-sets.ts'
import { chunkUses } from './walk-tree.ts'

export interface ShardFilter {
  readonly id?: ShardId
  /** Snapshot reference. */
  readonly snapshot?: string
  /** Host that signed for it. */
  readonly peer?: PeerKey
}

export interface ShardInfo {
  readonly id: string
  readonly kind: 'data' | 'metadata' | 'mixed' | 'parity' | 'unknown'
  readonly stripe: string | null
  readonly index: number | null
  readonly k: number | null
  readonly n: number | null
  readonly host: PeerKey | null
  readonly queued: boolean
}

export interface ShardDetail extends ShardInfo {
  /** Null for parity: it has none of its own. */
  readonly epoch: number | null
  readonly suite: number | null
  readonly holders: readonly Holder[]
  readonly chunks: readonly { readonly id: string; readonly length: number }[]
  /** Which snapshots need it, and some of the paths. For parity: those that need its stripe. */
  readonly why: readonly { readonly snapshot: string; readonly paths: readonly string[] }[]
}

const kinds = ['unknown', 'data', 'metadata', 'mixed'] as const
const MAX_PATHS = 10
/** Snapshots whose paths are looked up; the others are named without. */
const MAX_WALKS = 2

export function listShards(parts: Parts, filter: ShardFilter): ShardInfo[] {
  const { catalogue } = parts
  const only = filter.snapshot === undefined ? undefined : findSnapshot(parts, filter.snapshot).row.shards
  const rows = filter.id === undefined ? catalogue.shards.all() : [catalogue.shards.find(filter.id)]
  const dead = new Set([...catalogue.stripes.inState('released')].map((stripe) => stripe.no))
  const infos = rows
    .filter((row): row is ShardRow => row !== undefined && (row.stripe === null || !dead.has(row.stripe)))
    .filter((row) => only === undefined || only.has(row.no))
    .map((row) => infoOf(parts, row))
  return infos.filter((info) => filter.peer === undefined || info.host === filter.peer)
}

export async function shardDetail(session: Session, id: ShardId, signal: AbortSignal): Promise<ShardDetail> {
  const { catalogue, network, keys } = session.parts
  const row = catalogue.shards.find(id)
  if (row === undefined) throw new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: toHex(id) })
  const { stripe, position } = row
  const holders =
    stripe === null || position === null
      ? []
      : await network.locate({ stripe: catalogue.stripes.record(stripe), index: position }, signal)
  const opened = row.parity
    ? undefined
    : openShard(await session.reader.bytes(row, signal), { epochKey: epochKeyOf(keys) })
  return {
    ...infoOf(session.parts, row),
    ...(opened === undefined ? {} : { kind: kinds[opened.kind] }),
    epoch: opened?.epoch ?? null,
    suite: opened?.suite ?? null,
    holders,
    chunks: (opened?.chunks ?? []).map((chunk) => ({ id: toHex(chunk.id), length: chunk.length })),
    why: await whyOf(session, row, signal),
  }
}

function infoOf({ catalogue }: Parts, row: ShardRow): ShardInfo {
  const stripe = row.stripe === null ? undefined : catalogue.stripes.get(row.stripe)
  const host =
    row.stripe === null || row.position === null ? undefined : catalogue.stripes.receipts(row.stripe).get(row.position)
  return {
    id: toHex(row.id),
    kind: row.parity ? 'parity' : (kinds[row.kind] ?? 'unknown'),
    stripe: stripe === undefined ? null : toHex(stripe.id),
    index: row.position,
    k: stripe?.k ?? null,
    n: stripe?.n ?? null,
    host: host ?? null,
    queued: row.inOutbox,
  }
}

async function whyOf(session: Session, row: ShardRow, signal: AbortSignal): Promise<ShardDetail['why']> {
  const { catalogue } = session.parts
  const data =
    row.parity && row.stripe !== null ? catalogue.shards.ofStripe(row.stripe).filter((shard) => !shard.parity) : [row]
  const wanted = new Set(data.map((shard) => shard.no))
  const why: { snapshot: string; paths: readonly string[] }[] = []
  for (const named of listSnapshots(session.parts)) {
    const shards = await shardSet(session, named, signal)
    if (![...wanted].some((no) => shards.has(no))) continue
    const paths = why.length < MAX_WALKS ? await pathsIn(session, named, { wanted, signal }) : []
    why.push({ snapshot: named.snapshot.id, paths })
  }
  return why
}

async function pathsIn(
  session: Session,
  { snapshot }: NamedSnapshot,
  { wanted, signal }: { wanted: ReadonlySet<number>; signal: AbortSignal },
): Promise<string[]> {
  const paths = new Set<string>()
  const locate = session.chunks.locator()
  for await (const { chunk, path } of chunkUses(session.tree(signal), snapshot.tree, () => undefined)) {
    signal.throwIfAborted()
    const found = locate(chunk)
    if (found !== undefined && wanted.has(found.no)) paths.add(path === '' ? '/' : path)
    if (paths.size >= MAX_PATHS) break
  }
  return [...paths]
}

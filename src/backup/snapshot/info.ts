/** A snapshot as lists show it. */
import { safety } from '../../shard/index.ts'
import { isPlaced, stripeHosts } from '../health.ts'
import type { Parts } from '../parts.ts'
import type { SnapshotInfo } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'
import type { NamedSnapshot } from './find.ts'

export function snapshotInfo(parts: Parts, { row, snapshot }: NamedSnapshot): SnapshotInfo {
  const needed = stripesOf(parts, row.shards)
  const { name, tags, device, partial, stats, paths, id, time } = snapshot
  return {
    id,
    time,
    name,
    tags,
    paths: paths.map(nameText),
    files: stats.files,
    dirs: stats.dirs,
    bytes: stats.bytes,
    device,
    partial,
    placed: headShows(parts) && needed !== undefined && allPlaced(parts, needed),
    safe: safeOf(parts, needed),
    hosts: needed === undefined ? [] : stripeHosts(parts, needed),
  }
}

/** Stripes that hold these shards; undefined when some shard has none yet. Adopted snapshots: all live stripes. */
function stripesOf(parts: Parts, shards: ReadonlySet<number> | undefined): Set<number> | undefined {
  const { catalogue } = parts
  if (shards === undefined) return new Set(catalogue.stripes.live().map((stripe) => stripe.no))
  const stripes = new Set<number>()
  for (const no of shards) {
    if (no === 0) continue
    const stripe = catalogue.shards.get(no)?.stripe
    if (stripe === undefined || stripe === null) return undefined
    stripes.add(stripe)
  }
  return stripes
}

function allPlaced({ catalogue }: Parts, stripes: ReadonlySet<number>): boolean {
  return [...stripes].every((no) => {
    const row = catalogue.stripes.get(no)
    return row !== undefined && (row.state === 'placed' || isPlaced(catalogue.stripes.receipts(no).size, row))
  })
}

function headShows({ catalogue }: Parts): boolean {
  const head = catalogue.heads.newest()
  return head?.published === true && head.revision === catalogue.revision
}

function safeOf(parts: Parts, stripes: ReadonlySet<number> | undefined): number {
  return stripes === undefined || !headShows(parts) ? 0 : safety(stripeHosts(parts, stripes))
}

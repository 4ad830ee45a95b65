/** A snapshot as lists show it. */
import { safety } from '../../shard/index.ts'
import { distinctSets, headShows, overview, stripeHosts, type Overview } from '../health.ts'
import type { Parts } from '../parts.ts'
import type { SnapshotInfo } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'
import type { NamedSnapshot } from './find.ts'

export function snapshotInfos(parts: Parts, named: readonly NamedSnapshot[]): SnapshotInfo[] {
  const all = overview(parts)
  const shown = headShows(parts)
  return named.map((one) => infoOf(one, all, shown))
}

function infoOf({ row, snapshot }: NamedSnapshot, all: Overview, shown: boolean): SnapshotInfo {
  const needed = stripesOf(all, row.shards)
  const hosts = needed === undefined ? [] : stripeHosts(all, needed)
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
    placed: shown && needed !== undefined && [...needed].every((no) => all.stripes.get(no)?.placed === true),
    safe: needed === undefined || !shown ? 0 : safety(distinctSets(hosts)),
    hosts,
  }
}

/** Stripes that hold these shards; undefined when some shard has none yet. Adopted snapshots: all live stripes. */
function stripesOf(all: Overview, shards: ReadonlySet<number> | undefined): Set<number> | undefined {
  if (shards === undefined) return new Set(all.stripes.keys())
  const stripes = new Set<number>()
  for (const no of shards) {
    if (no === 0) continue
    const stripe = all.stripeOf.get(no) ?? null
    if (stripe === null) return undefined
    stripes.add(stripe)
  }
  return stripes
}

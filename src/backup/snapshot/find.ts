/** Naming snapshots: `latest`, full ids, unambiguous prefixes; and filtering them. */
import { PlexiError } from '../../base/errors.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import type { SnapshotFilter } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'
import type { Parts } from '../parts.ts'
import type { Snapshot } from './snapshot.ts'

export interface NamedSnapshot {
  readonly row: SnapshotRow
  readonly snapshot: Snapshot
}

const MIN_PREFIX = 4
const LATEST = 'latest'

/** Newest first. */
export function listSnapshots({ catalogue, decoded }: Parts, filter: SnapshotFilter = {}): NamedSnapshot[] {
  const all = catalogue.snapshots.all().map((row) => ({ row, snapshot: decoded.of(row) }))
  return all.filter(({ snapshot }) => matches(snapshot, filter))
}

/** Throws `STORAGE_SNAPSHOT_NOT_FOUND`, also when a prefix fits several. */
export function findSnapshot(parts: Parts, ref: string, filter: SnapshotFilter = {}): NamedSnapshot {
  const [only, second] = candidates(parts, ref, filter)
  if (only === undefined || (second !== undefined && ref !== LATEST)) {
    throw notFound(ref, filter, second !== undefined)
  }
  return only
}

function notFound(ref: string, filter: SnapshotFilter, several: boolean): PlexiError {
  if (several) {
    const reason = 'several snapshots begin like that'
    return new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref, reason }, { message: `${ref}: ${reason}` })
  }
  // "no snapshot latest" alone would say that there is none at all.
  const wanted = Object.entries(filter).map(([name, value]) => `${name} ${String(value)}`)
  const of = wanted.length === 0 ? '' : ` with ${wanted.join(', ')}`
  return new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref }, { message: `no snapshot ${ref}${of}` })
}

/** What a reference may mean, newest first. The catalogue looks: most vaults are asked for one of many. */
function candidates(parts: Parts, ref: string, filter: SnapshotFilter): NamedSnapshot[] {
  const { catalogue, decoded } = parts
  if (ref === LATEST && Object.keys(filter).length > 0) return listSnapshots(parts, filter)
  const rows =
    ref === LATEST ? catalogue.snapshots.newest() : ref.length < MIN_PREFIX ? [] : catalogue.snapshots.named(ref)
  return rows.map((row) => ({ row, snapshot: decoded.of(row) })).filter(({ snapshot }) => matches(snapshot, filter))
}

/** `SNAP` or `SNAP:PATH`. */
export function splitReference(text: string): { snapshot: string; path?: string } {
  const at = text.indexOf(':')
  return at < 0 ? { snapshot: text } : { snapshot: text.slice(0, at), path: text.slice(at + 1) }
}

function matches(snapshot: Snapshot, filter: SnapshotFilter): boolean {
  if (filter.name !== undefined && snapshot.name !== filter.name) return false
  if (filter.tag !== undefined && !snapshot.tags.includes(filter.tag)) return false
  if (filter.device !== undefined && snapshot.device !== filter.device) return false
  // A slash at the end is what completion of shells leaves.
  const wanted = filter.path?.replace(/(?<=.)\/+$/, '')
  return wanted === undefined || snapshot.paths.some((path) => nameText(path) === wanted)
}

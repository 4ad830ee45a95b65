/** Naming snapshots: `latest`, full ids, unambiguous prefixes; and filtering them. */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import type { SnapshotFilter } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'
import type { Parts } from '../parts.ts'
import { decodeSnapshot, type Snapshot } from './snapshot.ts'

export interface NamedSnapshot {
  readonly row: SnapshotRow
  readonly snapshot: Snapshot
}

const MIN_PREFIX = 4

/** Newest first. */
export function listSnapshots({ catalogue, keys }: Parts, filter: SnapshotFilter = {}): NamedSnapshot[] {
  const all = catalogue.snapshots.all().map((row) => ({ row, snapshot: decodeSnapshot(row.body, keys.shared.idMac) }))
  return all.filter(({ snapshot }) => matches(snapshot, filter))
}

/** Throws `STORAGE_SNAPSHOT_NOT_FOUND`, also when a prefix fits several. */
export function findSnapshot(parts: Parts, ref: string, filter: SnapshotFilter = {}): NamedSnapshot {
  const all = listSnapshots(parts, filter)
  if (ref === 'latest') {
    const newest = all[0]
    if (newest === undefined) throw new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref })
    return newest
  }
  const fitting = ref.length < MIN_PREFIX ? [] : all.filter(({ row }) => toHex(row.id).startsWith(ref.toLowerCase()))
  const [only, second] = fitting
  if (only === undefined || second !== undefined) {
    const reason = second === undefined ? {} : { reason: 'several snapshots begin like that' }
    throw new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref, ...reason })
  }
  return only
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
  return filter.path === undefined || snapshot.paths.some((path) => nameText(path) === filter.path)
}

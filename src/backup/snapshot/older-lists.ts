/**
 * The head names 64 snapshots; older ones are kept in lists stored as chunks. Spec: docs/spec/04-snapshot-and-head.md §
 * Snapshot. Invariant: every snapshot is named by the head or by a list that the head names.
 */
import type { ChunkId } from '../../shard/index.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { ObjectStore } from '../tree/list-builder.ts'
import { encodeSnapshotList } from './snapshot.ts'

/** Snapshots moved into one list at a time. */
const LIST_LENGTH = 32
const LIST_BYTES = 192 * 1024

/**
 * Makes room in the head for one more snapshot. The result belongs into the commit that makes the lists' chunks
 * durable.
 */
export async function coverOlder({ catalogue }: Parts, store: ObjectStore): Promise<() => void> {
  const lists: { chunk: ChunkId; rows: readonly SnapshotRow[] }[] = []
  let inHead = catalogue.snapshots.inHead()
  while (inHead.length >= limits.snapshotsInHead) {
    const rows = oldestOf(inHead)
    lists.push({ chunk: await store.putObject(encodeSnapshotList(rows.map((row) => row.body))), rows })
    inHead = inHead.filter((row) => !rows.includes(row))
  }
  return () => {
    for (const { chunk, rows } of lists) {
      const list = catalogue.heads.addOlderList(chunk)
      for (const row of rows) catalogue.snapshots.setList(row.no, list)
    }
  }
}

/** Newest first, in groups that fit a list each. */
export function* listGroups(rows: readonly SnapshotRow[]): Generator<readonly SnapshotRow[]> {
  let left = rows
  while (left.length > 0) {
    const group = oldestOf(left)
    yield group
    left = left.filter((row) => !group.includes(row))
  }
}

/** Of rows that come newest first: as many of the oldest as one list holds, at least one. */
function oldestOf(rows: readonly SnapshotRow[]): readonly SnapshotRow[] {
  let bytes = 0
  const oldest = rows.slice(-LIST_LENGTH).filter((row) => (bytes += row.body.length) <= LIST_BYTES)
  return oldest.length > 0 ? oldest : rows.slice(-1)
}

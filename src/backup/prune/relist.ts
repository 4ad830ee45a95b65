/**
 * Lists of older snapshots without those that are gone. Spec: docs/spec/04-snapshot-and-head.md § Snapshot.
 * Invariant: every snapshot that was not forgotten is named by the head or by a list, after each commit.
 */
import { limits } from '../options.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import type { Session } from '../session.ts'
import { listGroups } from '../snapshot/older-lists.ts'
import { encodeSnapshotList } from '../snapshot/snapshot.ts'
import { finishWriting } from '../store/finish.ts'

/** Writes the lists of `gone` rows anew; those rows themselves are left to be removed. */
export async function relist(session: Session, gone: readonly SnapshotRow[], signal: AbortSignal): Promise<void> {
  const { parts, reader } = session
  const { snapshots, heads } = parts.catalogue
  const lists = new Set(gone.map(({ list }) => list).filter((list) => list !== null))
  const all = snapshots.all()
  // Others' lists are theirs.
  const rows = all.filter(({ list, own }) => own && list !== null && lists.has(list))
  if (rows.length === 0) return
  if (all.filter(({ list }) => list === null).length + rows.length <= limits.snapshotsInHead) {
    parts.catalogue.commit(() => {
      for (const { no } of rows) snapshots.setList(no, null)
      parts.catalogue.touch()
    })
    return
  }
  const writer = session.writer(signal, { place: true, note: () => undefined })
  try {
    const written: { chunk: Awaited<ReturnType<typeof writer.putAgain>>; rows: readonly SnapshotRow[] }[] = []
    // Never left to dedup: an equal list may lie in a stripe that is about to go.
    for (const group of listGroups(rows))
      written.push({ chunk: await writer.putAgain(encodeSnapshotList(group.map(({ body }) => body))), rows: group })
    await finishWriting({ parts, writer, reader, signal }, () => {
      for (const { chunk, rows: listed } of written) {
        const list = heads.addOlderList(chunk)
        for (const { no } of listed) snapshots.setList(no, list)
      }
    })
  } finally {
    await writer.idle()
  }
}

/** Which snapshot counts as a source's newest. Pure. */
import type { SnapshotMark } from '../../backup/index.ts'

/** By name, of one device: what another device backs up under the same name does not stand in for it. */
export function newestOf(snapshots: readonly SnapshotMark[], device: string): ReadonlyMap<string, SnapshotMark> {
  const newest = new Map<string, SnapshotMark>()
  for (const snapshot of snapshots) {
    if (snapshot.device !== device) continue
    const before = newest.get(snapshot.name)
    if (before === undefined || before.time < snapshot.time) newest.set(snapshot.name, snapshot)
  }
  return newest
}

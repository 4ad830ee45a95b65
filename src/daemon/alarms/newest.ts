/** Which snapshot counts as a source's newest. Pure. */
import type { SnapshotInfo } from '../../backup/index.ts'

/** By name, of one device: what another device backs up under the same name does not stand in for it. */
export function newestOf(snapshots: readonly SnapshotInfo[], device: string): ReadonlyMap<string, SnapshotInfo> {
  const newest = new Map<string, SnapshotInfo>()
  for (const snapshot of snapshots) {
    if (snapshot.device !== device) continue
    const before = newest.get(snapshot.name)
    if (before === undefined || before.time < snapshot.time) newest.set(snapshot.name, snapshot)
  }
  return newest
}

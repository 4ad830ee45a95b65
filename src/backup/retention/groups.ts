/** Snapshots that compete for the same counts of a policy. Pure. */

export type GroupKey = 'device' | 'name' | 'paths' | 'tags'

/** Each source on each device for itself. */
export const defaultGrouping: readonly GroupKey[] = ['device', 'name', 'paths']

interface Grouped {
  readonly device: string
  readonly name: string
  readonly paths: readonly string[]
  readonly tags: readonly string[]
}

export interface SnapshotGroup<T> {
  /** The properties they share, for people. */
  readonly label: string
  readonly snapshots: readonly T[]
}

/** In the order in which groups appear. No keys: one group of all. */
export function groupSnapshots<T extends Grouped>(
  snapshots: readonly T[],
  by: readonly GroupKey[],
): SnapshotGroup<T>[] {
  const groups = new Map<string, { label: string; snapshots: T[] }>()
  for (const snapshot of snapshots) {
    const values = by.map((key) => valueOf(snapshot, key))
    const key = JSON.stringify(values)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { label: labelOf(by, values), snapshots: [snapshot] })
    else group.snapshots.push(snapshot)
  }
  return [...groups.values()]
}

function valueOf(snapshot: Grouped, key: GroupKey): string | string[] {
  return key === 'paths' || key === 'tags' ? snapshot[key].toSorted() : snapshot[key]
}

function labelOf(by: readonly GroupKey[], values: readonly (string | string[])[]): string {
  const told = by.map((key, i) => [key, [values[i] ?? ''].flat().join(' ')] as const)
  return told
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}

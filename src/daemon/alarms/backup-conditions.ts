/**
 * Which alarms backups give cause for. Pure. Spec: docs/AUTOMATION.md § Alarms. A clock that stands wrong raises at worst
 * an alarm that ends when it is put right.
 */
import type { SnapshotMark } from '../../backup/index.ts'
import { DAY } from '../../base/clock.ts'
import type { Condition } from '../status/alarms.ts'
import { newestOf } from './newest.ts'

export interface Watched {
  readonly now: number
  /** This device: other devices watch over their own. */
  readonly device: string
  readonly snapshots: readonly SnapshotMark[]
  /** `backupEveryMs` 0: no alarm. */
  readonly sources: readonly { readonly name: string; readonly created: number; readonly backupEveryMs: number }[]
  /** Of each schedule the newest run that made a snapshot or failed to. */
  readonly runs: readonly {
    readonly source: string
    readonly state: 'ok' | 'partial' | 'failed'
    readonly begun: number
    readonly text: string | null
  }[]
  /** For a vault without sources. */
  readonly defaultEveryMs: number
}

export function backupConditions(watched: Watched): Condition[] {
  return [...overdue(watched), ...failed(watched), ...partial(watched)]
}

function overdue({ now, device, snapshots, sources, defaultEveryMs }: Watched): Condition[] {
  const newest = newestOf(snapshots, device)
  const late = (name: string, last: number, everyMs: number): Condition[] => {
    if (everyMs === 0 || now - last <= everyMs) return []
    const days = Math.floor((now - last) / DAY)
    return [{ code: 'STORAGE_BACKUP_OVERDUE', about: name, details: { source: name, days } }]
  }
  if (sources.length > 0)
    return sources.flatMap(({ name, created, backupEveryMs }) =>
      late(name, newest.get(name)?.time ?? created, backupEveryMs),
    )
  const last = Math.max(...newest.values().map(({ time }) => time))
  if (newest.size === 0 || defaultEveryMs === 0 || now - last <= defaultEveryMs) return []
  const days = Math.floor((now - last) / DAY)
  return [{ code: 'STORAGE_BACKUP_OVERDUE', details: { days }, text: `no backup of anything for ${days} days` }]
}

/** Until a schedule's run succeeds, or the source is backed up otherwise. */
function failed({ device, snapshots, runs }: Watched): Condition[] {
  const newest = newestOf(snapshots, device)
  return runs.flatMap(({ source, state, begun, text }) => {
    if (state !== 'failed' || (newest.get(source)?.time ?? -Infinity) > begun) return []
    return [{ code: 'STORAGE_BACKUP_FAILED', about: source, details: { source, reason: text ?? 'unknown' } }]
  })
}

/** The newest snapshot of a source lacks something; without sources, the newest of all. */
function partial({ device, snapshots, sources }: Watched): Condition[] {
  const newest = newestOf(snapshots, device)
  const last = newest
    .values()
    .toArray()
    .toSorted((a, b) => b.time - a.time)
  const looked = sources.length > 0 ? sources.flatMap(({ name }) => newest.get(name) ?? []) : last.slice(0, 1)
  return looked.flatMap(({ id, name, partial }) => {
    if (!partial) return []
    const what = name === '' ? '' : ` of ${name}`
    const text = `the newest backup${what} (${id.slice(0, 12)}) lacks what could not be read`
    return [{ code: 'STORAGE_PARTIAL', about: name, text }]
  })
}

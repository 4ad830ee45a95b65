/** What a run of the benchmark found out, as it is written to JSON and read back for tables, charts and goals. */
import type { Operation, SetName } from './data/sets.ts'
import { median, type Measured } from './measure.ts'
import type { Stage } from './profile.ts'

export interface Series {
  readonly name: string
  readonly role: 'plexichat' | 'peer' | 'floor'
  readonly runs: Partial<Record<Operation, Measured[]>>
  /** After the first backup, in the last round; and after the edited one. */
  storedBytes: number
  editedBytes?: number
}

export interface SetResult {
  readonly set: SetName
  readonly title: string
  readonly bytes: number
  /** Of a database: its pages that the edits changed or added, compressed. */
  readonly changedBytes?: number
  readonly series: readonly Series[]
}

export interface Growth {
  readonly what: 'stream' | 'tree' | 'restore of the tree'
  readonly mebibytes: number
  readonly measured: Measured
}

export interface Result {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly node: string }
  readonly rounds: number
  /** 1: the sets' full sizes. */
  readonly scale: number
  readonly sets: readonly SetResult[]
  /** First backup of A as one process, start and end included. */
  readonly wholeProcess?: Measured
  readonly growth: readonly Growth[]
  readonly stages: { readonly first?: readonly Stage[]; readonly restore?: readonly Stage[] }
}

/** Median seconds; undefined where it was not measured. */
export function seconds(series: Series | undefined, operation: Operation): number | undefined {
  const runs = series?.runs[operation]
  return runs === undefined || runs.length === 0 ? undefined : median(runs.map((run) => run.seconds))
}

/** The largest of the medians of all operations, MiB. */
export function peakMiB(series: Series): number {
  return Math.max(...Object.values(series.runs).map((runs) => median(runs.map((run) => run.peakMiB))))
}

export function own({ series }: SetResult): Series | undefined {
  return series.find(({ role }) => role === 'plexichat')
}

export function peers({ series }: SetResult): Series[] {
  return series.filter(({ role }) => role === 'peer')
}

/** The result as rows: one per contender and set, one per goal, one per stage. */
import { operations, type Operation } from '../data/sets.ts'
import { judge } from '../goals.ts'
import { median } from '../measure.ts'
import type { Stage } from '../profile.ts'
import { own, peakMiB, seconds, type Result, type Series, type SetResult } from '../result.ts'

export interface Rows {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export const operationTitles: Readonly<Record<Operation, string>> = {
  first: 'first',
  again: 'again',
  edited: 'edited',
  restore: 'restore',
  verify: 'verify',
}

/** Seconds, and in parentheses PlexiChat's divided by theirs. */
export function comparison(result: Result): Rows {
  const head = ['set', '', ...operations.map((o) => `${operationTitles[o]} s`), 'stored MB', 'edit adds MB', 'peak MiB']
  return { head, rows: result.sets.flatMap((set) => set.series.map((series) => row(set, series))) }
}

function row(set: SetResult, series: Series): string[] {
  const cells = operations.map((operation) => {
    const theirs = seconds(series, operation)
    if (theirs === undefined) return '–'
    const mine = series.role === 'plexichat' ? undefined : seconds(own(set), operation)
    return mine === undefined ? theirs.toFixed(2) : `${theirs.toFixed(2)} (${(mine / theirs).toFixed(2)})`
  })
  const added = series.editedBytes === undefined ? '–' : ((series.editedBytes - series.storedBytes) / 1e6).toFixed(1)
  return [set.set, series.name, ...cells, (series.storedBytes / 1e6).toFixed(1), added, peakMiB(series).toFixed(0)]
}

export function goals(result: Result): Rows {
  return {
    head: ['set', 'what', 'against', 'is', 'goal', ''],
    rows: judge(result).map(({ set, what, against, value, limit, met }) => [
      set,
      what,
      against,
      value.toFixed(value < 10 ? 2 : 0),
      `≤ ${String(limit)}`,
      met ? 'met' : 'missed',
    ]),
  }
}

export function growth(result: Result): Rows {
  return {
    head: ['set E', 'GiB', 's', 'CPU s', 'MB/s', 'peak MiB'],
    rows: result.growth.map(({ what, mebibytes, measured }) => [
      what,
      (mebibytes / 1024).toFixed(1),
      measured.seconds.toFixed(1),
      measured.cpuSeconds.toFixed(1),
      ((mebibytes * 1.048576) / measured.seconds).toFixed(0),
      measured.peakMiB.toFixed(0),
    ]),
  }
}

/** CPU seconds of each stage, the main thread's and the workers'. */
export function stages(found: readonly Stage[]): Rows {
  return {
    head: ['stage', 'main thread s', 'worker threads s', '% of busy'],
    rows: found.map(({ stage, mainSeconds, workerSeconds, share }) => [
      stage,
      mainSeconds.toFixed(2),
      workerSeconds.toFixed(2),
      stage.startsWith('idle') ? '' : (share * 100).toFixed(0),
    ]),
  }
}

/** What kept the cores busy, per operation: CPU seconds of PlexiChat and of the best peer of each set. */
export function cpu(result: Result): Rows {
  const cell = (series: Series, operation: Operation) => {
    const runs = series.runs[operation]
    return runs === undefined ? '–' : median(runs.map((run) => run.cpuSeconds)).toFixed(2)
  }
  return {
    head: ['set', '', ...operations.map((o) => `${operationTitles[o]} CPU s`)],
    rows: result.sets.flatMap((set) =>
      set.series.map((series) => [set.set, series.name, ...operations.map((o) => cell(series, o))]),
    ),
  }
}

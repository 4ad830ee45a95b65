/** The goals, as ratios to peers measured in the same run, and what became of them. docs/PERFORMANCE.md lists them. */
import type { Operation, SetName } from './data/sets.ts'
import { own, peakMiB, peers, seconds, type Result, type Series, type SetResult } from './result.ts'

export interface Verdict {
  readonly set: SetName | 'E'
  readonly what: string
  /** What the figure is held against, such as `best peer`. */
  readonly against: string
  readonly value: number
  readonly limit: number
  readonly met: boolean
}

interface Goal {
  readonly sets: readonly SetName[]
  readonly operation: Operation
  readonly against: 'best peer' | 'restic' | 'floor'
  readonly limit: number
}

export const timeGoals: readonly Goal[] = [
  { sets: ['A', 'B', 'C'], operation: 'first', against: 'best peer', limit: 0.5 },
  { sets: ['D'], operation: 'first', against: 'best peer', limit: 0.6 },
  { sets: ['A', 'B'], operation: 'first', against: 'floor', limit: 1.2 },
  { sets: ['A'], operation: 'again', against: 'restic', limit: 1 },
  { sets: ['D'], operation: 'again', against: 'restic', limit: 0.5 },
  { sets: ['B'], operation: 'edited', against: 'restic', limit: 0.4 },
  { sets: ['A', 'B', 'C'], operation: 'restore', against: 'best peer', limit: 0.8 },
  { sets: ['D'], operation: 'restore', against: 'best peer', limit: 0.6 },
  { sets: ['A', 'B', 'C', 'D'], operation: 'verify', against: 'best peer', limit: 0.8 },
]

const SIZE_OF_RESTIC: Readonly<Record<'A' | 'B' | 'D', number>> = { A: 1, B: 1, D: 0.65 }
const SIZE_OF_INPUT = 1.02
const EDIT_OF_RESTIC = 0.08
const EDIT_BYTES = 60e6
/** 1.5 × the changed pages and 1 %. */
const EDIT_OF_PAGES = 1.51
const PEAK_MIB = 300
const GROWTH_MIB = 64

/** Every goal that the run has figures for. Sizes only mean something at full scale: small sets leave shards unfilled. */
export function judge(result: Result): Verdict[] {
  const perSet = result.sets.flatMap((set) => [...times(set), ...sizes(set), ...memory(set)])
  return [...perSet, ...growth(result)]
}

function times(set: SetResult): Verdict[] {
  return timeGoals
    .filter((goal) => goal.sets.includes(set.set))
    .flatMap(({ operation, against, limit }) => {
      const mine = seconds(own(set), operation)
      const theirs = best(set, operation, against)
      return mine === undefined || theirs === undefined
        ? []
        : [verdict({ set: set.set, what: operation, against, value: mine / theirs, limit })]
    })
}

/** The shortest time of those a goal is held against. */
export function best(set: SetResult, operation: Operation, against: Goal['against']): number | undefined {
  const chosen = {
    'best peer': peers(set),
    restic: set.series.filter(isRestic),
    floor: set.series.filter(({ role }) => role === 'floor'),
  }[against]
  const all = chosen.map((series) => seconds(series, operation)).filter((value) => value !== undefined)
  return all.length === 0 ? undefined : Math.min(...all)
}

function sizes(set: SetResult): Verdict[] {
  const mine = own(set)
  const theirs = set.series.find(isRestic)
  if (mine === undefined) return []
  if (set.set === 'C') {
    const value = mine.storedBytes / set.bytes
    return [verdict({ set: 'C', what: 'stored', against: 'its input', value, limit: SIZE_OF_INPUT })]
  }
  if (theirs === undefined) return []
  const value = mine.storedBytes / theirs.storedBytes
  const found = [verdict({ set: set.set, what: 'stored', against: 'restic', value, limit: SIZE_OF_RESTIC[set.set] })]
  if (mine.editedBytes === undefined || theirs.editedBytes === undefined) return found
  const added = mine.editedBytes - mine.storedBytes
  const ratio = added / (theirs.editedBytes - theirs.storedBytes)
  return [
    ...found,
    verdict({ set: set.set, what: 'edited: stored', against: 'restic', value: ratio, limit: EDIT_OF_RESTIC }),
    verdict({
      set: set.set,
      what: 'edited: stored MB',
      against: 'absolute',
      value: added / 1e6,
      limit: EDIT_BYTES / 1e6,
    }),
    ...pages(set, added),
  ]
}

function pages({ set, changedBytes }: SetResult, added: number): Verdict[] {
  if (changedBytes === undefined) return []
  const against = 'changed pages, zstd'
  return [verdict({ set, what: 'edited: stored', against, value: added / changedBytes, limit: EDIT_OF_PAGES })]
}

function memory(set: SetResult): Verdict[] {
  const mine = own(set)
  if (mine === undefined) return []
  return [verdict({ set: set.set, what: 'peak MiB', against: 'absolute', value: peakMiB(mine), limit: PEAK_MIB })]
}

/** How much more memory the longest input takes than the shortest. */
function growth(result: Result): Verdict[] {
  return (['stream', 'tree', 'restore of the tree'] as const).flatMap((what) => {
    const all = result.growth.filter((one) => one.what === what).toSorted((a, b) => a.mebibytes - b.mebibytes)
    const [first, last] = [all[0], all.at(-1)]
    if (first === undefined || last === undefined || first === last) return []
    const value = last.measured.peakMiB - first.measured.peakMiB
    const size = `${(last.mebibytes / 1024).toFixed(1)} GiB`
    return [verdict({ set: 'E', what: `${what} of ${size}: MiB more`, against: 'absolute', value, limit: GROWTH_MIB })]
  })
}

function isRestic({ name }: Series): boolean {
  return name.startsWith('restic')
}

function verdict(found: Omit<Verdict, 'met'>): Verdict {
  return { ...found, met: found.value <= found.limit }
}

/**
 * When a forgotten snapshot may be given up for good. Pure. Spec: docs/spec/04-snapshot-and-head.md § Pruning.
 * Invariant: every device that may still write knows of it, or had 14 days to.
 */
import { DAY } from '../../base/clock.ts'

/** How long devices that say nothing are waited for. */
export const MARK_WAIT_MS = 14 * DAY

export interface MarkedSnapshot {
  /** Hex. */
  readonly id: string
  /** ms since 1970, when a head naming it as forgotten was out; null before. */
  readonly published: number | null
}

export interface MarkReader {
  readonly device: string
  /** A head it had once is not to be found: its word is not known, however long it takes. */
  readonly hidden: boolean
  cites(id: string): boolean
}

export interface Ripeness {
  readonly ripe: readonly string[]
  readonly waitingFor: readonly {
    readonly device: string
    /** Null: as long as it takes. */ readonly until: number | null
  }[]
}

export function ripeness(marks: readonly MarkedSnapshot[], readers: readonly MarkReader[], now: number): Ripeness {
  const ripe: string[] = []
  const waiting = new Map<string, number | null>()
  for (const { id, published } of marks) {
    const silent = readers.filter((reader) => reader.hidden || !reader.cites(id))
    const until = published === null ? null : published + MARK_WAIT_MS
    const waited = silent.filter(({ hidden }) => hidden || until === null || now < until)
    // Nobody else is there: nobody has to be told.
    if (waited.length === 0) ripe.push(id)
    for (const { device, hidden } of waited) {
      const before = waiting.get(device)
      const mine = hidden ? null : until
      waiting.set(device, before === null || mine === null ? null : Math.max(before ?? 0, mine))
    }
  }
  return { ripe, waitingFor: [...waiting].map(([device, until]) => ({ device, until })) }
}

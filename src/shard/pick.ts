/**
 * Choosing the chunks of the next frame: source order while room is plenty, the best fit when it runs out.
 * Spec: docs/spec/02-shard.md § Packing. Pure.
 * Invariant: what is picked fits an empty shard even if it does not compress at all.
 */
import { tableBytes } from './layout.ts'
import { FRAME_ROW_BYTES, SHARD_PLAIN_BYTES } from './options.ts'

export interface Candidate {
  /** Plain bytes. */
  readonly length: number
  /** Bytes of the shard it is expected to take, its row of the entry table included; at most `length` and that row. */
  readonly cost: number
}

export interface Room {
  /** Bytes left in the open shard. */
  readonly room: number
  /** Most plain bytes of a frame; a single longer chunk still makes one. */
  readonly frameBytes: number
  /** Most chunks. */
  readonly entries: number
}

export interface Pick {
  /** Indices of the candidates, in the order they go into the frame. Empty when nothing fits. */
  readonly picked: number[]
  /** The room of the shard, not the size of a frame, was the bound. */
  readonly scarce: boolean
}

/** Picks from waiting chunks, in source order, those that make the next frame. */
export function pickFitting(waiting: readonly Candidate[], room: Room): Pick {
  const picked: number[] = []
  const skipped: number[] = []
  const mean = meanCost(waiting)
  let left = room.room - FRAME_ROW_BYTES
  let plain = 0
  for (const [index, { length, cost }] of waiting.entries()) {
    if (picked.length >= room.entries) return { picked, scarce: true }
    if (left < LAST_CHUNKS * mean || skipped.length >= WINDOW) {
      const rest = upcoming(waiting, { skipped, next: index })
      const plainLeft = plainLimit(picked.length + LAST_CHUNKS, room) - plain
      const last = bestFit(rest, { left, plainLeft }).slice(0, room.entries - picked.length)
      // Alone a chunk of any length may be a frame.
      const alone = picked.length + last.length > 0 ? [] : rest.filter((item) => item.cost <= left).slice(0, 1)
      return { picked: [...picked, ...[...last, ...alone].map((item) => item.index)], scarce: true }
    }
    if (cost > left) {
      skipped.push(index)
      continue
    }
    if (picked.length > 0 && plain + length > plainLimit(picked.length + 1, room)) return { picked, scarce: false }
    picked.push(index)
    plain += length
    left -= cost
  }
  return { picked, scarce: skipped.length > 0 }
}

interface Indexed extends Candidate {
  readonly index: number
}

/** Chunks the last room is shared among. */
const LAST_CHUNKS = 3
/** Waiting chunks looked at for the last room. */
const WINDOW = 96
/** A gap not worth searching on. */
const GOOD_GAP_BYTES = 64
/** Stands for taking one fewer. */
const NONE: Indexed = { index: -1, length: 0, cost: 0 }

function meanCost(waiting: readonly Candidate[]): number {
  const count = Math.min(waiting.length, WINDOW)
  let sum = 0
  for (let i = 0; i < count; i++) sum += (waiting[i] as Candidate).cost
  return count === 0 ? 0 : sum / count
}

/** Plain bytes of a frame of `count` chunks that fits an empty shard raw. */
function plainLimit(count: number, room: Room): number {
  return Math.min(room.frameBytes, SHARD_PLAIN_BYTES - tableBytes(1, count))
}

function upcoming(waiting: readonly Candidate[], from: { skipped: readonly number[]; next: number }): Indexed[] {
  const rest = from.skipped.map((index) => ({ ...(waiting[index] as Candidate), index }))
  for (let index = from.next; index < waiting.length && rest.length < WINDOW; index++) {
    rest.push({ ...(waiting[index] as Candidate), index })
  }
  return rest
}

/** At most three of `rest` whose costs together come nearest to `left` from below; in source order. */
function bestFit(rest: readonly Indexed[], bound: { left: number; plainLeft: number }): Indexed[] {
  const sorted = [NONE, NONE, ...rest.toSorted((a, b) => a.cost - b.cost)]
  let best = 0
  let chosen: Indexed[] = []
  for (let i = sorted.length - 1; i >= 2 && bound.left - best > GOOD_GAP_BYTES; i--) {
    const first = sorted[i] as Indexed
    if (LAST_CHUNKS * first.cost <= best) break
    for (let j = i - 1; j >= 1; j--) {
      const second = sorted[j] as Indexed
      const third = costliest(sorted, { count: j, cost: bound.left - first.cost - second.cost })
      if (third === undefined) continue
      const cost = first.cost + second.cost + third.cost
      if (cost <= best || first.length + second.length + third.length > bound.plainLeft) continue
      best = cost
      chosen = [first, second, third]
    }
  }
  return chosen.filter(({ index }) => index >= 0).toSorted((a, b) => a.index - b.index)
}

/** Of the first `count` sorted items the one that costs most but no more than `cost`. */
function costliest(sorted: readonly Indexed[], most: { count: number; cost: number }): Indexed | undefined {
  let low = 0
  let high = most.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as Indexed).cost <= most.cost) low = middle + 1
    else high = middle
  }
  return sorted[low - 1]
}

/**
 * Choosing the chunks of the next frame: source order while room is plenty, the best fit when it runs out.
 * Spec: docs/spec/02-shard.md § Packing. Pure.
 * Invariant: what is picked fits an empty shard even if it does not compress at all.
 */
import { tableBytes } from './layout.ts'
import { ENTRY_ROW_BYTES, FRAME_ROW_BYTES, SHARD_PLAIN_BYTES } from './options.ts'

export interface Room {
  /** Bytes left in the open shard. */
  readonly room: number
  /** Stored ÷ plain to expect, 0 < expected ≤ 1. */
  readonly expected: number
  /** Most plain bytes of a frame; a single longer chunk still makes one. */
  readonly frameBytes: number
  /** Most chunks. */
  readonly entries: number
}

export interface Pick {
  /** Indices into the waiting chunks, in the order they go into the frame. Empty when nothing fits. */
  readonly picked: number[]
  /** The room of the shard, not the size of a frame, was the bound. */
  readonly scarce: boolean
}

/** Picks from chunks of these plain `lengths`, in source order, those that make the next frame. */
export function pickFitting(lengths: readonly number[], room: Room): Pick {
  const picked: number[] = []
  const skipped: number[] = []
  const mean = meanCost(lengths, room)
  let left = room.room - FRAME_ROW_BYTES
  let plain = 0
  for (const [index, length] of lengths.entries()) {
    if (picked.length >= room.entries) return { picked, scarce: true }
    const cost = costOf(length, room)
    const scarce = left < LAST_CHUNKS * mean || skipped.length >= WINDOW
    if (scarce) {
      const rest = candidates(lengths, { skipped, next: index })
      const plainLeft = plainLimit(picked.length + LAST_CHUNKS, room) - plain
      const last = bestFit(lengths, { rest, left, plainLeft, room }).slice(0, room.entries - picked.length)
      // Alone a chunk of any length may be a frame.
      const alone =
        picked.length + last.length > 0 ? [] : rest.filter((i) => costAt(lengths, i, room) <= left).slice(0, 1)
      return { picked: [...picked, ...last, ...alone], scarce: true }
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

/** Chunks the last room is shared among. */
const LAST_CHUNKS = 3
/** Waiting chunks looked at for the last room. */
const WINDOW = 96
/** A gap not worth searching on. */
const GOOD_GAP_BYTES = 64

function costOf(length: number, room: Room): number {
  return Math.ceil(length * room.expected) + ENTRY_ROW_BYTES
}

function costAt(lengths: readonly number[], index: number, room: Room): number {
  return costOf(lengths[index] as number, room)
}

function meanCost(lengths: readonly number[], room: Room): number {
  const count = Math.min(lengths.length, WINDOW)
  let sum = 0
  for (let i = 0; i < count; i++) sum += costAt(lengths, i, room)
  return count === 0 ? 0 : sum / count
}

/** Plain bytes of a frame of `count` chunks that fits an empty shard raw. */
function plainLimit(count: number, room: Room): number {
  return Math.min(room.frameBytes, SHARD_PLAIN_BYTES - tableBytes(1, count))
}

function candidates(lengths: readonly number[], from: { skipped: number[]; next: number }): number[] {
  const rest = [...from.skipped]
  for (let index = from.next; index < lengths.length && rest.length < WINDOW; index++) rest.push(index)
  return rest
}

/** At most three of `rest` whose expected cost comes nearest to `left` from below; in source order. */
function bestFit(
  lengths: readonly number[],
  bound: { rest: readonly number[]; left: number; plainLeft: number; room: Room },
): number[] {
  const { room } = bound
  // Two entries that cost nothing stand for taking fewer than three.
  const items = bound.rest.map((index) => ({ index, cost: costAt(lengths, index, room) }))
  const sorted = [{ index: -1, cost: 0 }, { index: -1, cost: 0 }, ...items.sort((a, b) => a.cost - b.cost)]
  // An expected cost is never below length × expected, so this keeps the plain bytes within their limit as well.
  const target = Math.min(bound.left, Math.floor(bound.plainLeft * room.expected))
  let best = 0
  let chosen: number[] = []
  for (let i = sorted.length - 1; i >= 2 && target - best > GOOD_GAP_BYTES; i--) {
    const first = sorted[i] as { index: number; cost: number }
    if (first.cost > target) continue
    if (LAST_CHUNKS * first.cost <= best) break
    for (let j = i - 1; j >= 1; j--) {
      const second = sorted[j] as { index: number; cost: number }
      const third = largestBelow(sorted, { count: j, cost: target - first.cost - second.cost })
      if (third === undefined) continue
      const sum = first.cost + second.cost + third.cost
      if (sum <= best) continue
      best = sum
      chosen = [first.index, second.index, third.index]
    }
  }
  return chosen.filter((index) => index >= 0).sort((a, b) => a - b)
}

/** Of the first `count` sorted items the costliest that costs at most `cost`. */
function largestBelow<T extends { cost: number }>(
  sorted: readonly T[],
  most: { count: number; cost: number },
): T | undefined {
  let low = 0
  let high = most.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as T).cost <= most.cost) low = middle + 1
    else high = middle
  }
  return sorted[low - 1]
}

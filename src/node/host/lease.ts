/**
 * Leases and floors as pure arithmetic. Invariants: nothing here is ever shortened, and a floor that terms lower stays
 * in force until the old one has run out. Spec: docs/spec/05-storage-protocol.md § Leases, § Release
 */
import { heldFloors, type HeldFloor, type Terms } from '../../crypto/terms.ts'
import { MAX_HELD_FLOORS } from './options.ts'

/** A renewal: every shard whose id starts with `prefix` and whose number is ≤ `upTo` is kept until `until` (ms). */
export interface Renewal {
  readonly prefix: Uint8Array
  readonly upTo: number
  readonly until: number
}

/** Until when a shard is kept without a further renewal. */
export function leaseUntil(
  shard: { readonly id: Uint8Array; readonly number: number; readonly time: number },
  renewals: readonly Renewal[],
  leaseMs: number,
): number {
  let until = shard.time + leaseMs
  for (const renewal of renewals) {
    if (shard.number <= renewal.upTo && startsWith(shard.id, renewal.prefix)) until = Math.max(until, renewal.until)
  }
  return until
}

/** Both renewals of one prefix as one that covers no less. */
export function mergeRenewals(known: Renewal | undefined, next: Renewal): Renewal {
  if (known === undefined) return next
  return { prefix: next.prefix, upTo: Math.max(known.upTo, next.upTo), until: Math.max(known.until, next.until) }
}

/**
 * The floors still to be held when `next` takes the place of `old` at `now`: those longer than the new one, at most
 * `MAX_HELD_FLOORS`, of which none is implied by another.
 */
export function heldAfter(
  change: { readonly old: Terms; readonly next: Terms },
  held: readonly HeldFloor[],
  now: number,
): HeldFloor[] {
  const kept: HeldFloor[] = []
  const longest = heldFloors(change.old, held, now)
    .filter((floor) => floor.floorDays > change.next.floorDays)
    .toSorted((a, b) => b.floorDays - a.floorDays || b.untilMs - a.untilMs)
  for (const floor of longest) {
    const last = kept.at(-1)
    if (last !== undefined && floor.untilMs <= last.untilMs) continue
    // One too many: the last one is held longer instead, never shorter.
    if (last !== undefined && kept.length >= MAX_HELD_FLOORS)
      kept[kept.length - 1] = { ...last, untilMs: floor.untilMs }
    else kept.push(floor)
  }
  return kept
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte)
}

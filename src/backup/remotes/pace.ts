/**
 * How fast each place gives shards, measured as it goes, and whom to ask next. Pure arithmetic over times.
 * Invariant: a place that was never asked is tried, and one that was slow is tried again when the others are busy.
 */

/** Weight of the newest time. */
const FORGET = 0.2
/** Until measured, ms for one shard. */
const GUESS_MS = 30

export class Pace<Place> {
  readonly #ms = new Map<Place, number>()
  readonly #running = new Map<Place, number>()

  /** Expected ms until one more shard would be there. */
  expected(place: Place): number {
    return this.#time(place) * ((this.#running.get(place) ?? 0) + 1)
  }

  /** Soonest first. */
  ranked(places: readonly Place[]): Place[] {
    return places.toSorted((a, b) => this.expected(a) - this.expected(b))
  }

  begin(place: Place): void {
    this.#running.set(place, (this.#running.get(place) ?? 0) + 1)
  }

  /** `ms` only where it gave a shard. What ran beside it made it slower by as much. */
  end(place: Place, ms?: number): void {
    const running = Math.max(1, this.#running.get(place) ?? 1)
    if (ms !== undefined) this.#ms.set(place, this.#time(place) * (1 - FORGET) + (ms / running) * FORGET)
    this.#running.set(place, running - 1)
  }

  #time(place: Place): number {
    return this.#ms.get(place) ?? GUESS_MS
  }
}

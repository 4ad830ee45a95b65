/** What could not be read. Invariant: memory is bounded: what is more than can be told one by one is counted. */
import type { Skipped } from '../requests.ts'

/** Of paths and reasons together. */
const MAX_CHARACTERS = 4_000_000
/** What one costs besides. */
const OWN_CHARACTERS = 100

export class Skips {
  readonly #told: Skipped[] = []
  #characters = 0
  count = 0

  add(skipped: Skipped): void {
    this.count++
    this.#characters += OWN_CHARACTERS + skipped.path.length + skipped.reason.length
    if (this.#characters <= MAX_CHARACTERS || this.#told.length === 0) this.#told.push(skipped)
  }

  get first(): Skipped | undefined {
    return this.#told[0]
  }

  list(): readonly Skipped[] {
    const more = this.count - this.#told.length
    if (more === 0) return this.#told
    return [...this.#told, { path: '', reason: `besides these, ${String(more)} more could not be read` }]
  }
}

/**
 * Group commit: what several want to record at about the same time becomes durable together, at the price of one sync.
 * Invariants: a promise resolves when its work is durable; works run in the order they were added; those of a group
 * succeed or fail together.
 */
import type { Clock } from '../../base/clock.ts'
import type { Catalogue } from './catalogue.ts'

interface Waiting {
  readonly work: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class GroupCommit {
  readonly #deps: { readonly catalogue: Pick<Catalogue, 'commit'>; readonly clock: Clock }
  #waiting: Waiting[] = []

  constructor(deps: { catalogue: Pick<Catalogue, 'commit'>; clock: Clock }) {
    this.#deps = deps
  }

  /** Runs `work` in a commit that follows soon. What it decides on it must read there. */
  add(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject })
      if (this.#waiting.length === 1) void this.#commitSoon()
    })
  }

  async #commitSoon(): Promise<void> {
    await this.#deps.clock.sleep(0)
    const group = this.#waiting
    this.#waiting = []
    try {
      this.#deps.catalogue.commit(() => {
        for (const { work } of group) work()
      })
      for (const { resolve } of group) resolve()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }
}

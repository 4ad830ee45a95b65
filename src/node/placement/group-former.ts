/**
 * The group for new stripes: looks around first, then keeps the current group, or forms a larger or healthier one
 * (docs/spec/06-dht-records.md, placement groups). Invariant: one decision at a time, so that stripes of one backup
 * never form two groups at once.
 */
import type { Random } from '../../base/random.ts'
import type { Logger } from '../../base/log.ts'
import { groupId, type PlacementGroup } from '../../shard/index.ts'
import type { Candidate } from './candidates.ts'
import { chooseMembers, formGroup, stillGood } from './form-group.ts'
import type { GroupBook } from './group-book.ts'

export interface GroupFormerDeps {
  readonly book: GroupBook
  readonly random: Random
  readonly log: Logger
  /** Makes sure that everybody who is there is known. */
  converge(signal: AbortSignal): Promise<void>
  candidates(): Candidate[]
}

export class GroupFormer {
  readonly #deps: GroupFormerDeps
  #deciding: Promise<PlacementGroup | undefined> | undefined

  constructor(deps: GroupFormerDeps) {
    this.#deps = deps
  }

  async current(signal: AbortSignal): Promise<PlacementGroup | undefined> {
    await this.#deps.converge(signal)
    signal.throwIfAborted()
    this.#deciding ??= this.#decide().finally(() => {
      this.#deciding = undefined
    })
    return this.#deciding
  }

  async #decide(): Promise<PlacementGroup | undefined> {
    const { book, random, log } = this.#deps
    const candidates = this.#deps.candidates()
    const current = book.current()
    const id = groupId(random.bytes(16))
    const better = chooseMembers(candidates, current?.id ?? id)
    if (current !== undefined && stillGood(current, candidates, better)) {
      book.refreshStandbys(current.id, better?.members ?? [])
      return book.get(current.id)
    }
    const group = formGroup(candidates, id)
    if (group === undefined) return current
    book.start(group)
    log.info('a placement group was formed', { k: group.k, n: group.n, standbys: group.standbys.length })
    return group
  }
}

/**
 * Terms of the vaults kept here: the rules their owners signed for hosts. Invariants: a lower version never replaces a
 * higher one, and a floor that newer terms lower stays in force until it has run out, also when the metadata is lost
 * (the longer terms stay beside the new ones). Spec: docs/spec/05-storage-protocol.md § Terms
 */
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/log.ts'
import { toHex } from '../../base/bytes.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { MAX_TERMS_BYTES } from '../../crypto/options.ts'
import { floorInForce, type HeldFloor, openTerms, supersedes, type Terms } from '../../crypto/terms.ts'
import type { CommitQueue, CommitRound } from './commit-queue.ts'
import type { HostLayout } from './layout.ts'
import { heldAfter } from './lease.ts'
import type { VaultBook } from './vault-book.ts'

export interface TermsShelfDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly layout: HostLayout
  readonly queue: CommitQueue
  readonly book: VaultBook
  readonly log: Logger
}

export interface KeptTerms {
  readonly bytes: Uint8Array
  readonly terms: Terms
}

const CACHED_VAULTS = 1_000

export class TermsShelf {
  readonly #options: { readonly leastFloorDays: number }
  readonly #deps: TermsShelfDeps
  /** Least recently used first. `null`: there are none. */
  readonly #cache = new Map<string, KeptTerms | null>()

  constructor(options: { readonly leastFloorDays: number }, deps: TermsShelfDeps) {
    this.#options = options
    this.#deps = deps
  }

  async get(vault: VaultId): Promise<KeptTerms | undefined> {
    if (this.#deps.book.get(vault) === undefined) return undefined
    const key = toHex(vault)
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached ?? undefined
    const kept = await this.#read(vault)
    this.#remember(key, kept)
    return kept
  }

  /** Days that a release asked for now has to wait. */
  async floorDays(vault: VaultId): Promise<number> {
    const { book, clock } = this.#deps
    const terms = (await this.get(vault))?.terms
    if (terms === undefined) return this.#options.leastFloorDays
    return floorInForce(terms, book.get(vault)?.heldFloors ?? [], clock.now())
  }

  /** Replaces the vault's terms by verified ones that supersede them; the vault becomes known. Older ones are let go by. */
  async keep(vault: VaultId, next: KeptTerms): Promise<void> {
    await this.#deps.queue.submit((round) => this.#replace(round, vault, next))
  }

  async #replace(round: CommitRound, vault: VaultId, next: KeptTerms): Promise<void> {
    const { disk, layout, book, clock } = this.#deps
    const known = await this.get(vault)
    if (known !== undefined && !supersedes(known.terms, next.terms)) return
    const row = book.getOrNew(vault, clock.now())
    await disk.mkdir(layout.vault(vault))
    round.syncDirectory(layout.root)
    let heldFloors = row.heldFloors
    if (known !== undefined) {
      heldFloors = heldAfter({ old: known.terms, next: next.terms }, row.heldFloors, clock.now())
      await this.#keepLonger(vault, known, heldFloors)
    }
    await disk.writeFileAtomic(layout.terms(vault), next.bytes)
    this.#remember(toHex(vault), next)
    const headBytes = row.headBytes + next.bytes.length - (known?.bytes.length ?? 0)
    book.set(round.batch, vault, { ...row, headBytes, heldFloors })
  }

  /** The longest floor still in force stays in a file, so that it outlives the metadata; its time says since when. */
  async #keepLonger(vault: VaultId, known: KeptTerms, held: readonly HeldFloor[]): Promise<void> {
    const { disk, layout } = this.#deps
    const path = layout.longerTerms(vault)
    const longest = held[0]
    if (longest === undefined) return
    const longer = longest.floorDays === known.terms.floorDays ? known.bytes : await this.#readBytes(path)
    if (longer !== undefined) await disk.writeFileAtomic(path, longer)
  }

  async #read(vault: VaultId): Promise<KeptTerms | undefined> {
    const bytes = await this.#readBytes(this.#deps.layout.terms(vault))
    if (bytes === undefined) return undefined
    try {
      return { bytes, terms: openTerms(bytes, vault) }
    } catch (error) {
      // A damaged file must not lock the owner out for good: the next terms that come along take its place.
      this.#deps.log.error('terms of a vault are damaged', { vault: toHex(vault), error })
      return undefined
    }
  }

  async #readBytes(path: string): Promise<Uint8Array | undefined> {
    const { disk } = this.#deps
    return (await disk.stat(path)) === undefined ? undefined : disk.readFile(path, MAX_TERMS_BYTES)
  }

  #remember(key: string, kept: KeptTerms | undefined): void {
    this.#cache.delete(key)
    this.#cache.set(key, kept ?? null)
    if (this.#cache.size <= CACHED_VAULTS) return
    for (const oldest of this.#cache.keys()) {
      this.#cache.delete(oldest)
      break
    }
  }
}

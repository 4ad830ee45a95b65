/**
 * Release requests and the only place that deletes hosted shards. Invariants: a release takes effect the vault's floor
 * after it was asked for, never earlier; asking twice does not bring it forward; until then it can be undone; the file
 * goes before its row, so a crash in between leaves a row that the next start drops.
 * Spec: docs/spec/05-storage-protocol.md § Release
 */
import { DAY, type Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/log.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { SHARD_BYTES, type ShardId } from '../../shard/index.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { HostLayout } from './layout.ts'
import { currentRelease, currentShard, type HostMetadata, type MetadataBatch, type ShardAt } from './metadata.ts'
import type { HostOptions } from './options.ts'
import type { ReleaseRow } from './rows.ts'
import type { VaultBook } from './vault-book.ts'

export interface ReleaseBookDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Logger
  readonly layout: HostLayout
  readonly metadata: HostMetadata
  readonly queue: CommitQueue
  readonly book: VaultBook
}

/** When each release takes effect (ms); undefined for shards that are not here. */
export type ReleaseOutcome = readonly (number | undefined)[]

export class ReleaseBook {
  readonly #options: Pick<HostOptions, 'sweepBatch' | 'clockJumpMs'>
  readonly #deps: ReleaseBookDeps
  /** Wall time less elapsed time at the last sweep. */
  #offset: number

  constructor(options: Pick<HostOptions, 'sweepBatch' | 'clockJumpMs'>, deps: ReleaseBookDeps) {
    this.#options = options
    this.#deps = deps
    this.#offset = deps.clock.now() - deps.clock.elapsed()
  }

  /** `order` is the signed request, kept as the reason. A release that waits already keeps its earlier request. */
  async release(
    vault: VaultId,
    ids: readonly ShardId[],
    request: { order: Uint8Array; floorDays: number },
  ): Promise<ReleaseOutcome> {
    const { queue, clock } = this.#deps
    return queue.submit(async ({ batch }) => {
      const now = clock.now()
      const row = { requestedAt: now, effectiveAt: now + request.floorDays * DAY, order: request.order }
      const found = []
      for (const id of ids) found.push(await this.#find(batch, { vault, id }))
      for (const { at, stored, waiting } of found) {
        if (stored && waiting === undefined) batch.release(at, undefined, row)
      }
      return found.map(({ stored, waiting }) => (stored ? (waiting ?? row).effectiveAt : undefined))
    })
  }

  /** Undoes waiting releases; true for every shard that is here and stays. */
  async restore(vault: VaultId, ids: readonly ShardId[]): Promise<boolean[]> {
    const { queue } = this.#deps
    return queue.submit(async ({ batch }) => {
      const found = []
      for (const id of ids) found.push(await this.#find(batch, { vault, id }))
      for (const { at, waiting } of found) if (waiting !== undefined) batch.release(at, waiting, undefined)
      return found.map(({ stored }) => stored)
    })
  }

  async #find(batch: MetadataBatch, at: ShardAt): Promise<{ at: ShardAt; stored: boolean; waiting?: ReleaseRow }> {
    const { metadata } = this.#deps
    const stored = (await currentShard(metadata, batch, at)) !== undefined
    const waiting = await currentRelease(metadata, batch, at)
    return waiting === undefined ? { at, stored } : { at, stored, waiting }
  }

  /**
   * Deletes what is due; resolves to the number of shards deleted. A wall clock that jumped since the last sweep is not
   * believed once: what a wrong clock calls due would be gone for good.
   */
  async sweep(signal: AbortSignal): Promise<number> {
    if (this.#clockJumped()) return 0
    let deleted = 0
    while (!signal.aborted) {
      const now = this.#deps.clock.now()
      const due = await this.#deps.metadata.dueReleases(now, this.#options.sweepBatch)
      if (due.length === 0) break
      deleted += await this.#delete(due, now)
      if (due.length < this.#options.sweepBatch) break
    }
    return deleted
  }

  async #delete(due: readonly ShardAt[], now: number): Promise<number> {
    const { metadata, queue, disk, layout, book } = this.#deps
    return queue.submit(async (round) => {
      let deleted = 0
      for (const at of due) {
        // Read again under the queue: it may have been undone since the list was made.
        const waiting = await currentRelease(metadata, round.batch, at)
        if (waiting === undefined || waiting.effectiveAt > now) continue
        const stored = await currentShard(metadata, round.batch, at)
        await disk.unlink(layout.shard(at.vault, at.id))
        round.syncDirectory(layout.vault(at.vault))
        round.batch.release(at, waiting, undefined)
        round.batch.shard(at, undefined)
        round.batch.manifest(at, undefined)
        const row = book.get(at.vault)
        if (stored === undefined || row === undefined) continue
        book.set(round.batch, at.vault, { ...row, shards: row.shards - 1, bytes: row.bytes - SHARD_BYTES })
        deleted++
      }
      return deleted
    })
  }

  #clockJumped(): boolean {
    const { clock, log } = this.#deps
    const offset = clock.now() - clock.elapsed()
    const jump = offset - this.#offset
    this.#offset = offset
    if (Math.abs(jump) <= this.#options.clockJumpMs) return false
    log.warn('the wall clock jumped: expired releases wait for the next sweep', { jumpMs: jump })
    return true
  }
}

/**
 * Everything this node keeps for other people: opens in order, sweeps expired releases, and hands each request to the
 * shelf or book that owns its rule. Invariants: nothing is acknowledged before it is durable, nothing live is deleted,
 * and start-up costs no more memory with more shards. Spec: docs/spec/05-storage-protocol.md § Host store
 */
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { isPlexiError } from '../../base/errors.ts'
import { toHex } from '../../base/bytes.ts'
import type { Service } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { Random } from '../../base/random.ts'
import type { VaultId } from '../../crypto/ids.ts'
import type { ShardId } from '../../shard/index.ts'
import { CommitQueue } from './commit-queue.ts'
import { HeadShelf } from './head-shelf.ts'
import { HostLayout } from './layout.ts'
import { leaseUntil } from './lease.ts'
import { HostMetadata, type MetadataState } from './metadata.ts'
import type { HostOptions } from './options.ts'
import { Quota, type Reservation, type Room } from './quota.ts'
import { rebuild, type RebuildSummary } from './rebuild.ts'
import { ReleaseBook } from './release-book.ts'
import { RenewalBook } from './renewal-book.ts'
import type { VaultRow } from './rows.ts'
import { ShardShelf } from './shard-shelf.ts'
import { TermsShelf } from './terms-shelf.ts'
import { VaultBook } from './vault-book.ts'

export interface HostStoreDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  /** The directory `hosted` of the home. */
  readonly path: string
  /** Bytes that a person grants a vault (hex) at most; undefined: as much as the general rules give. */
  readonly grantOf?: (vault: string) => number | undefined
}

/** One hosted shard as `shard ls --hosted` and `host ls` show it. */
export interface HostedShard {
  readonly vault: VaultId
  readonly id: ShardId
  readonly number: number
  readonly time: number
  readonly leaseUntil: number
}

export class HostStore implements Service {
  readonly shards: ShardShelf
  readonly heads: HeadShelf
  readonly terms: TermsShelf
  readonly releases: ReleaseBook
  readonly renewals: RenewalBook
  readonly #options: HostOptions
  readonly #deps: HostStoreDeps
  readonly #layout: HostLayout
  readonly #metadata: HostMetadata
  readonly #quota: Quota
  readonly #book: VaultBook
  readonly #queue: CommitQueue
  readonly #stopping = new AbortController()
  #sweeping: Promise<void> = Promise.resolve()
  /** Rows and files were brought into line, so that a clean end may say so. */
  #complete = false

  constructor(options: HostOptions, deps: HostStoreDeps) {
    this.#options = options
    this.#deps = deps
    const { disk } = deps
    const layout = new HostLayout(deps.path)
    const metadata = new HostMetadata(layout.metadata)
    const quota = new Quota(options, { disk, path: layout.root })
    const book = new VaultBook(options, { quota })
    const queue = new CommitQueue(options, { disk, metadata, reload: () => book.load(metadata) })
    const shared = { ...deps, layout, metadata, queue, book }
    this.#layout = layout
    this.#metadata = metadata
    this.#quota = quota
    this.#book = book
    this.#queue = queue
    this.shards = new ShardShelf(shared)
    this.heads = new HeadShelf(options, shared)
    this.terms = new TermsShelf(options, shared)
    this.releases = new ReleaseBook(options, shared)
    this.renewals = new RenewalBook(options, shared)
  }

  async start(): Promise<void> {
    await this.open()
    this.#sweeping = this.#sweepForever()
  }

  /** `start` without the sweeper: for tools and tests that sweep themselves. */
  async open(): Promise<RebuildSummary> {
    const { disk } = this.#deps
    await disk.mkdir(this.#layout.root)
    const state = await this.#openMetadata()
    const deps = { ...this.#deps, layout: this.#layout, metadata: this.#metadata }
    const summary = await rebuild(this.#options, deps, state)
    await this.#book.load(this.#metadata)
    this.#complete = true
    this.#measure()
    return summary
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sweeping
    await this.#queue.idle()
    await this.#metadata.close(this.#complete)
  }

  /** Bytes lent, stored, and promised to exchanges that are under way. */
  usage(): { offerBytes: number; storedBytes: number; reservedBytes: number; accepting: boolean } {
    const { offerBytes, storedBytes, reservedBytes, accepting } = this.#quota
    return { offerBytes, storedBytes, reservedBytes, accepting }
  }

  vault(vault: VaultId): VaultRow | undefined {
    return this.#book.get(vault)
  }

  vaults(): { vault: VaultId; row: VaultRow }[] {
    return this.#book.list()
  }

  room(vault: VaultId, vouched: boolean): Promise<Room> {
    return this.#quota.room(this.#claim(vault, vouched))
  }

  /** Throws `STORAGE_QUOTA_EXCEEDED`. The caller releases it, whatever happens. */
  reserve(vault: VaultId, vouched: boolean, bytes: number): Promise<Reservation> {
    return this.#quota.reserve(this.#claim(vault, vouched), bytes)
  }

  /** Bytes lent from now on. Lending less than is stored deletes nothing. */
  resize(offerBytes: number): void {
    this.#quota.resize(offerBytes)
    this.#measure()
  }

  /** A paused host keeps and serves what it has and takes nothing new. */
  pause(paused: boolean): void {
    this.#quota.pause(paused)
  }

  async leaseUntil(vault: VaultId, shard: { id: ShardId; number: number; time: number }): Promise<number> {
    return leaseUntil(shard, await this.#metadata.renewals(vault), this.#options.leaseMs)
  }

  /** Every hosted shard, vault by vault in order of the ids. */
  async *hosted(): AsyncGenerator<HostedShard> {
    for (const { vault } of this.#book.list()) {
      const renewals = await this.#metadata.renewals(vault)
      for await (const page of this.#metadata.shards(vault)) {
        for (const [id, row] of page) {
          yield { vault, id, ...row, leaseUntil: leaseUntil({ id, ...row }, renewals, this.#options.leaseMs) }
        }
      }
    }
  }

  /** The pre-signed DHT records of every head kept here, for whoever republishes them. */
  async *headRecords(): AsyncGenerator<{ vault: VaultId; records: readonly Uint8Array[] }> {
    for (const { vault } of this.#book.list()) {
      for (const device of await this.heads.devices(vault)) {
        const { head } = await this.heads.get(vault, device)
        if (head.records.length > 0) yield { vault, records: head.records }
      }
    }
  }

  #claim(vault: VaultId, vouched: boolean) {
    const name = toHex(vault)
    const grantBytes = this.#deps.grantOf?.(name)
    return { vault: name, vouched, grantBytes, storedBytes: () => this.#book.storedBytes(vault) }
  }

  async #openMetadata(): Promise<MetadataState> {
    try {
      return await this.#metadata.open()
    } catch (error) {
      // Only damage is answered by building anew: a lock, a full disk or missing rights will pass.
      const reason = isPlexiError(error, 'STORAGE_DATABASE') ? error.details['reason'] : undefined
      if (reason !== 'LEVEL_CORRUPTION' && reason !== 'LEVEL_INVALID') throw error
      this.#deps.log.warn('hosted metadata is damaged and is built anew from the files', { reason })
      await this.#deps.disk.removeTree(this.#layout.metadata)
      return this.#metadata.open()
    }
  }

  async #sweepForever(): Promise<void> {
    const { clock, log } = this.#deps
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const deleted = await this.releases.sweep(signal)
        if (deleted > 0) log.info('released shards deleted', { deleted })
        this.#measure()
      } catch (error) {
        log.error('sweeping released shards failed', { error })
      }
      await clock.sleep(this.#options.sweepEveryMs, signal).catch(() => undefined)
    }
  }

  #measure(): void {
    const { metrics } = this.#deps
    metrics.gauge('plexi_hosted_bytes', 'Bytes kept for other vaults').set(this.#quota.storedBytes)
    metrics.gauge('plexi_offer_bytes', 'Bytes lent to other vaults').set(this.#quota.offerBytes)
  }
}

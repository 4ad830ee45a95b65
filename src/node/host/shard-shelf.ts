/**
 * Shard files and their rows. Invariant: a row exists only for a file whose bytes and name are durable, and a body is
 * renamed to its place only after its root was checked and its bytes were synced.
 * Spec: docs/spec/05-storage-protocol.md § Order of writes
 */
import { join } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { invariant, PlexiError } from '../../base/errors.ts'
import type { Metrics } from '../../base/metrics.ts'
import type { Random } from '../../base/random.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { SHARD_BYTES, verifyShard } from '../../shard/index.ts'
import type { CommitQueue, CommitRound } from './commit-queue.ts'
import { noShard } from './errors.ts'
import type { HostLayout } from './layout.ts'
import { currentRelease, currentShard, type HostMetadata, type ShardAt } from './metadata.ts'
import type { Reservation } from './quota.ts'
import type { ReleaseRow, ShardRow } from './rows.ts'
import type { VaultBook } from './vault-book.ts'

export interface ShardShelfDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly layout: HostLayout
  readonly metadata: HostMetadata
  readonly queue: CommitQueue
  readonly book: VaultBook
  readonly metrics: Metrics
}

/** A put that passed every check: 1 MiB whose root is `id`, and the signed manifest of its stripe. */
export interface ShardToStore extends ShardAt {
  readonly body: Uint8Array
  readonly manifest: Uint8Array
  readonly vouched: boolean
}

/** What a receipt says. */
export interface StoredShard {
  readonly number: number
  readonly time: number
}

export interface ShardLookup extends StoredShard {
  /** Set while a release waits for its effect. */
  readonly release?: ReleaseRow
}

export class ShardShelf {
  readonly #deps: ShardShelfDeps
  readonly #stored

  constructor(deps: ShardShelfDeps) {
    this.#deps = deps
    this.#stored = deps.metrics.counter('plexi_shards_stored_total', 'Bodies of shards received and made durable')
  }

  /** Undefined unless the row and a file of the right length are there. */
  async lookup({ vault, id }: ShardAt): Promise<ShardLookup | undefined> {
    const { metadata, disk, layout } = this.#deps
    const row = await metadata.shard(vault, id)
    if (row === undefined) return undefined
    const stat = await disk.stat(layout.shard(vault, id))
    if (stat?.kind !== 'file' || stat.size !== SHARD_BYTES) return undefined
    const release = await metadata.release(vault, id)
    return release === undefined ? row : { ...row, release }
  }

  /** Like `lookup`, and the bytes are what the id says: what a repeated put may be answered with. */
  async lookupIntact(at: ShardAt): Promise<ShardLookup | undefined> {
    const found = await this.lookup(at)
    if (found === undefined) return undefined
    try {
      return verifyShard(await this.read(at), at.id) ? found : undefined
    } catch {
      return undefined
    }
  }

  /** The file's bytes, not checked against the id: the reader does that. Throws `STORAGE_SHARD_NOT_FOUND`, `…_CORRUPT`. */
  async read({ vault, id }: ShardAt): Promise<Uint8Array> {
    const { metadata, disk, layout } = this.#deps
    if ((await metadata.shard(vault, id)) === undefined) throw noShard(id)
    let bytes
    try {
      bytes = await disk.readFile(layout.shard(vault, id), SHARD_BYTES)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noShard(id)
      throw error
    }
    if (bytes.length !== SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(id) })
    return bytes
  }

  /** Stores and counts; durable when it resolves. A shard that is there keeps its number; a waiting release is undone. */
  async store(shard: ShardToStore, reservation: Reservation): Promise<StoredShard> {
    invariant(shard.body.length === SHARD_BYTES && reservation.bytes >= SHARD_BYTES, 'a whole shard with room for it')
    const { disk, layout, random, queue } = this.#deps
    const incoming = join(layout.incoming, toHex(random.bytes(16)))
    try {
      await this.#writeBody(incoming, shard.body)
      const stored = await queue.submit(async (round) => {
        const placed = await this.#place(round, shard, incoming)
        reservation.settle()
        return placed
      })
      this.#stored.add()
      return stored
    } catch (error) {
      await disk.unlink(incoming).catch(() => false)
      throw error
    } finally {
      reservation.release()
    }
  }

  /** Keeps the shard that is there: undoes a waiting release and keeps the manifest if there was none. */
  async keep(at: ShardAt, manifest: Uint8Array): Promise<void> {
    const { metadata, queue } = this.#deps
    const release = await metadata.release(at.vault, at.id)
    const known = await metadata.manifest(at.vault, at.id)
    if (release === undefined && known !== undefined) return
    await queue.submit(async ({ batch }) => {
      const now = await currentRelease(metadata, batch, at)
      if (now !== undefined) batch.release(at, now, undefined)
      batch.manifest(at, manifest)
    })
  }

  async #writeBody(path: string, body: Uint8Array): Promise<void> {
    const file = await this.#deps.disk.open(path, 'create')
    try {
      await file.write(body, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #place(round: CommitRound, shard: ShardToStore, incoming: string): Promise<StoredShard> {
    const { disk, layout, clock, book, metadata } = this.#deps
    const { vault, id } = shard
    const known = await currentShard(metadata, round.batch, shard)
    const vaultRow = book.getOrNew(vault, clock.now())
    await this.#directory(round, vault)
    await disk.rename(incoming, layout.shard(vault, id))
    round.syncDirectory(layout.vault(vault))
    const release = await currentRelease(metadata, round.batch, shard)
    if (release !== undefined) round.batch.release(shard, release, undefined)
    round.batch.manifest(shard, shard.manifest)
    if (known !== undefined) return known
    const row: ShardRow = { number: vaultRow.next, time: clock.now() }
    round.batch.shard(shard, row)
    book.set(round.batch, vault, {
      ...vaultRow,
      next: vaultRow.next + 1,
      shards: vaultRow.shards + 1,
      bytes: vaultRow.bytes + SHARD_BYTES,
      vouched: shard.vouched,
    })
    return row
  }

  async #directory(round: CommitRound, vault: VaultId): Promise<void> {
    const { disk, layout } = this.#deps
    if ((await disk.stat(layout.vault(vault))) !== undefined) return
    await disk.mkdir(layout.vault(vault))
    round.syncDirectory(layout.root)
  }
}

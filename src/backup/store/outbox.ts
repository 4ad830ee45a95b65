/**
 * Sealed shards on disk until enough hosts signed for them. Invariants: a file is named by its shard id and synced
 * before anything refers to it; files the catalogue does not know are removed at start; the total is bounded.
 */
import { join } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { SHARD_BYTES, verifyShard, type ShardId } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import { giveUpLost } from './lost-bodies.ts'

/** What reading a body fails with when it is not there any more, too short, too long, or on a bad part of the disk. */
const damage = new Set<unknown>(['ENOENT', 'STORAGE_SHARD_CORRUPT', 'VALIDATION_LIMIT', 'EIO'])

export interface OutboxOptions {
  readonly maxOutboxBytes: number
  readonly outboxRetryMs: number
}

interface OutboxDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly directory: string
}

export class Outbox {
  readonly #options: OutboxOptions
  readonly #deps: OutboxDeps
  readonly #limit: number
  /** Names of the bodies that are here: one that is written again is one. */
  #files: Set<string>
  #released = 0
  /** Bodies may have gone bad: what an earlier run left may, at first. */
  #suspected = true
  #freed = Promise.withResolvers<undefined>()

  private constructor(options: OutboxOptions, deps: OutboxDeps, state: { files: Set<string>; limit: number }) {
    this.#options = options
    this.#deps = deps
    this.#files = state.files
    this.#limit = state.limit
  }

  static async open(options: OutboxOptions, deps: OutboxDeps & { catalogue: Catalogue }): Promise<Outbox> {
    await deps.disk.mkdir(deps.directory)
    const files = await tidy(deps)
    const { freeBytes } = await deps.disk.space(deps.directory)
    const half = Math.floor((freeBytes + files.size * SHARD_BYTES) / 2)
    return new Outbox(options, deps, { files, limit: Math.min(options.maxOutboxBytes, half) })
  }

  get usedBytes(): number {
    return this.#files.size * SHARD_BYTES
  }

  /** Bodies that were removed since it was opened. */
  get released(): number {
    return this.#released
  }

  /** Whether one more shard would be too much. */
  get full(): boolean {
    return this.usedBytes + SHARD_BYTES > this.#limit
  }

  /** Waits until one more shard fits. `onFull` is called each time it has to wait: to ask hosts again. */
  async waitForRoom(signal: AbortSignal, onFull: () => void): Promise<void> {
    while (this.full) {
      onFull()
      const stop = new AbortController()
      const sleep = this.#deps.clock.sleep(this.#options.outboxRetryMs, AbortSignal.any([signal, stop.signal]))
      try {
        await Promise.race([this.#freed.promise, sleep])
      } finally {
        sleep.catch(() => undefined)
        stop.abort()
      }
      signal.throwIfAborted()
    }
  }

  /** Durable once `sync` has run after it. Nothing is left of one that failed. */
  async put(id: ShardId, bytes: Uint8Array): Promise<void> {
    this.#files.add(toHex(id))
    try {
      await this.#write(id, bytes)
    } catch (error) {
      this.#files.delete(toHex(id))
      await this.#deps.disk.unlink(this.path(id)).catch(() => undefined)
      throw error
    }
  }

  async #write(id: ShardId, bytes: Uint8Array): Promise<void> {
    const file = await this.#deps.disk.open(this.path(id), 'write')
    try {
      await file.write(bytes, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async sync(): Promise<void> {
    await this.#deps.disk.syncDirectory(this.#deps.directory)
  }

  /** In `into` where that has room. */
  async read(id: ShardId, into?: Uint8Array): Promise<Uint8Array> {
    const bytes = await this.#deps.disk.readFile(this.path(id), SHARD_BYTES, into)
    if (bytes.length !== SHARD_BYTES) throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(id) })
    return bytes
  }

  async remove(ids: readonly ShardId[]): Promise<void> {
    for (const id of ids) {
      const there = await this.#deps.disk.unlink(this.path(id))
      this.#files.delete(toHex(id))
      if (there) this.#released++
    }
    const freed = this.#freed
    this.#freed = Promise.withResolvers<undefined>()
    freed.resolve(undefined)
  }

  /** Removes files the catalogue does not know, when nothing is being written or placed. Returns their number. */
  async removeOrphans(catalogue: Catalogue): Promise<number> {
    const { disk, directory } = this.#deps
    const known = new Set(catalogue.shards.inOutbox().map(({ id }) => toHex(id)))
    const names = await disk.readdir(directory)
    const orphans = names.filter((name) => !known.has(name.toString('latin1')))
    for (const name of orphans) await disk.unlink(join(directory, name.toString('utf8')))
    this.#files = new Set(names.map((name) => name.toString('latin1')).filter((name) => known.has(name)))
    return orphans.length
  }

  /** Somebody met a body that cannot be read, or is not what it was: `giveUpDamaged` is to look. */
  suspect(): void {
    this.#suspected = true
  }

  /**
   * Where there is reason to look, gives up bodies that went bad since they were written: parity made of them, or copies,
   * would be bad as well. To be called when nothing is being placed. Returns their number.
   */
  async giveUpDamaged(catalogue: Catalogue, signal: AbortSignal): Promise<number> {
    if (!this.#suspected) return 0
    const room = Buffer.allocUnsafe(SHARD_BYTES)
    const damaged: ShardRow[] = []
    for (const row of catalogue.shards.inOutbox()) {
      signal.throwIfAborted()
      if (await this.#isDamaged(row.id, room)) damaged.push(row)
    }
    this.#suspected = false
    if (damaged.length === 0) return 0
    const needless = giveUpLost(catalogue, damaged)
    await this.remove([...damaged, ...needless].map(({ id }) => id))
    return damaged.length
  }

  /** False where that cannot be told now. */
  async #isDamaged(id: ShardId, room: Uint8Array): Promise<boolean> {
    try {
      return !verifyShard(await this.read(id, room), id)
    } catch (error) {
      const { code } = error as { code?: unknown }
      return damage.has(code)
    }
  }

  /** Where a body lies; synced once `sync` has run. */
  path(id: ShardId): string {
    return join(this.#deps.directory, toHex(id))
  }
}

/** Removes what a crash left behind; marks shards whose body is gone. Returns the names of the files that stay. */
async function tidy({ disk, directory, catalogue }: OutboxDeps & { catalogue: Catalogue }): Promise<Set<string>> {
  const expected = new Map(catalogue.shards.inOutbox().map((row) => [toHex(row.id), row]))
  const files = new Set<string>()
  for (const name of await disk.readdir(directory)) {
    if (expected.delete(name.toString('latin1'))) files.add(name.toString('latin1'))
    else await disk.unlink(join(directory, name.toString('utf8')))
  }
  if (expected.size === 0) return files
  for (const { id } of giveUpLost(catalogue, [...expected.values()]))
    if (await disk.unlink(join(directory, toHex(id)))) files.delete(toHex(id))
  return files
}

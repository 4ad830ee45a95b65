/**
 * Which shard holds a chunk: 16-byte prefix of the chunk id → shard id, in level. Rebuilt from the catalogue whenever
 * the two disagree. Invariant: written, with sync, before the catalogue commits what it points to.
 */
import { MiB } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { Level } from 'level'
import { shardId, type ChunkId, type ShardId } from '../../shard/index.ts'
import type { Catalogue } from './catalogue.ts'
import { readNumber, writeNumber } from './catalogue.ts'
import type { ShardRow } from './shard-rows.ts'

export const PREFIX_BYTES = 16

/** Not a chunk prefix: one byte. */
const MARK = Buffer.from([0])
/** Mark of an index that is being rebuilt. */
const UNFINISHED = 0xffffffff
const REBUILD_BATCH = 20_000
/** Ids are spread at random and the system has the files in memory: a larger cache would only hold them twice. */
const CACHE_BYTES = 2 * MiB

type Store = Level<Uint8Array, Uint8Array>

export class ChunkIndex {
  readonly #store: Store
  readonly #catalogue: Catalogue
  /** It says what the catalogue never committed. */
  #ahead = false

  private constructor(store: Store, catalogue: Catalogue) {
    this.#store = store
    this.#catalogue = catalogue
  }

  /** Opens it; rebuilds it from the catalogue when it is missing, damaged or not of the same commit. */
  static async open(path: string, deps: { catalogue: Catalogue; disk: Disk }): Promise<ChunkIndex> {
    const { catalogue, disk } = deps
    let index = await ChunkIndex.#tryOpen(path, catalogue)
    if (index === undefined || index.mark() !== catalogue.indexed) {
      await index?.close()
      await disk.removeTree(path)
      index = new ChunkIndex(await openStore(path), catalogue)
      await index.#rebuild()
    }
    return index
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** Undefined when no shard holds it, as far as known. */
  find(chunk: ChunkId): ShardId | undefined {
    return this.findPrefix(chunk.subarray(0, PREFIX_BYTES))
  }

  /** By the first 16 bytes of a chunk's id. */
  findPrefix(prefix: Uint8Array): ShardId | undefined {
    const value = this.#store.getSync(prefix)
    return value === undefined ? undefined : shardId(value)
  }

  /** Durable when it resolves. `commit` is the number the catalogue will commit under. */
  async add(shards: readonly { id: ShardId; prefixes: Uint8Array }[], commit: number): Promise<void> {
    if (this.#ahead) await this.takeBack()
    await this.#write(shards, commit)
  }

  /** Entries that still point to these shards, which hold nothing any more. What a crash leaves of them does no harm. */
  async drop(shards: readonly { id: ShardId; prefixes: Uint8Array }[]): Promise<number> {
    let dropped = 0
    for (const { id, prefixes } of shards) {
      const batch = this.#store.batch()
      for (let at = 0; at < prefixes.length; at += PREFIX_BYTES) {
        const prefix = prefixes.subarray(at, at + PREFIX_BYTES)
        const value = this.#store.getSync(prefix)
        if (value === undefined || Buffer.compare(value, id) !== 0) continue
        batch.del(prefix)
        dropped++
      }
      await batch.write()
    }
    return dropped
  }

  /** Drops entries that point to nothing living. Returns their number. */
  async compact(signal: AbortSignal): Promise<number> {
    const alive = new Map<string, boolean>()
    let dropped = 0
    let batch = this.#store.batch()
    for await (const [prefix, id] of this.#store.iterator()) {
      signal.throwIfAborted()
      if (prefix.length !== PREFIX_BYTES) continue
      const key = Buffer.from(id).toString('latin1')
      const known = alive.get(key) ?? this.#isAlive(shardId(id))
      alive.set(key, known)
      if (known) continue
      batch.del(prefix)
      if (++dropped % REBUILD_BATCH !== 0) continue
      await batch.write()
      batch = this.#store.batch()
    }
    await batch.write()
    return dropped
  }

  #isAlive(id: ShardId): boolean {
    const { shards, stripes } = this.#catalogue
    const shard = shards.find(id)
    if (shard === undefined) return false
    const state = stripes.get(shard.stripe ?? 0)?.state
    return state !== 'released' && state !== 'retired'
  }

  /**
   * The catalogue did not commit what was added last: chunks that moved are found again where they were. When this
   * fails too it is made up for before anything else is added, or at the next start.
   */
  async takeBack(): Promise<void> {
    this.#ahead = true
    await this.#rebuild()
    this.#ahead = false
  }

  async #write(shards: readonly { id: ShardId; prefixes: Uint8Array }[], commit: number): Promise<void> {
    const batch = this.#store.batch()
    for (const { id, prefixes } of shards) {
      for (let at = 0; at < prefixes.length; at += PREFIX_BYTES) batch.put(prefixes.subarray(at, at + PREFIX_BYTES), id)
    }
    batch.put(MARK, writeNumber(commit))
    await batch.write({ sync: true })
  }

  mark(): number {
    const value = this.#store.getSync(MARK)
    return value === undefined ? -1 : readNumber(value)
  }

  static async #tryOpen(path: string, catalogue: Catalogue): Promise<ChunkIndex | undefined> {
    try {
      return new ChunkIndex(await openStore(path), catalogue)
    } catch (error) {
      if (isLocked(error)) throw error
      return undefined
    }
  }

  async #rebuild(): Promise<void> {
    const catalogue = this.#catalogue
    const dead = new Set(
      [...catalogue.stripes.inState('retired'), ...catalogue.stripes.inState('released')].map((s) => s.no),
    )
    let batch: { id: ShardId; prefixes: Uint8Array }[] = []
    let size = 0
    for (const shard of byPreference(catalogue)) {
      if (shard.parity || (shard.stripe !== null && dead.has(shard.stripe))) continue
      const prefixes = catalogue.shards.prefixes(shard.no)
      batch.push({ id: shard.id, prefixes })
      size += prefixes.length / PREFIX_BYTES
      if (size < REBUILD_BATCH) continue
      await this.#write(batch, UNFINISHED)
      batch = []
      size = 0
    }
    await this.#write(batch, catalogue.indexed)
  }
}

/** What is written last counts: shards made here before others', those that their device may replace last. */
function byPreference({ shards, stripes, others }: Catalogue): ShardRow[] {
  const foreign = new Set(stripes.live().flatMap(({ no, own }) => (own ? [] : [no])))
  if (foreign.size === 0) return shards.all()
  const tails = new Set(others.tails())
  const rank = ({ stripe }: ShardRow): number => {
    if (stripe === null || !foreign.has(stripe)) return 2
    return tails.has(stripe) ? 0 : 1
  }
  return shards.all().sort((a, b) => rank(a) - rank(b) || a.no - b.no)
}

/** Another process has it open: rebuilding would take it away from under that process. */
function isLocked(error: unknown): boolean {
  const cause = (error as { cause?: { code?: string } }).cause
  return cause?.code === 'LEVEL_LOCKED'
}

async function openStore(path: string): Promise<Store> {
  const store: Store = new Level(path, { keyEncoding: 'view', valueEncoding: 'view', cacheSize: CACHE_BYTES })
  await store.open()
  return store
}

/** The prefixes of chunk ids, both one after the other. */
export function prefixesOf(ids: Uint8Array): Uint8Array {
  const prefixes = new Uint8Array(ids.length / 2)
  for (let at = 0; at < prefixes.length; at += PREFIX_BYTES)
    prefixes.set(ids.subarray(at * 2, at * 2 + PREFIX_BYTES), at)
  return prefixes
}

/**
 * Which chunks are needed, and where they are taken from. Spec: docs/spec/04-snapshot-and-head.md § Pruning.
 * Invariants: all that a kept snapshot leads to is live, also where only a shard to be released has it; memory is bounded
 * by the number of chunks (≤ 48 bytes each), metadata is read once however many snapshots share it.
 */
import { concat, toHex } from '../../base/bytes.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { asBytes, asList } from '../codec/fields.ts'
import { decodeObject } from '../codec/object.ts'
import { PREFIX_BYTES } from '../catalogue/chunk-index.ts'
import type { PackedShard } from '../catalogue/shard-rows.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { Session } from '../session.ts'
import { decodeNodes, readExtent, type Content, type Extent } from '../tree/node.ts'
import { ChunkTable } from './chunk-table.ts'

/** Shards whose prefixes are read between two breaths. */
const PAGE = 256

export class LiveSet {
  readonly table: ChunkTable
  /** Shard whose copy of a chunk does not count → shards whose copies do. */
  readonly superseded = new Map<number, Set<number>>()
  /** Distinct chunks that are needed. */
  count = 0
  /** By number of the shard. */
  readonly #chunks: Uint32Array
  readonly #live: Uint32Array
  readonly #liveBytes: Float64Array

  constructor(capacity: number, maxShard: number) {
    this.table = new ChunkTable(capacity)
    this.#chunks = new Uint32Array(maxShard + 1)
    this.#live = new Uint32Array(maxShard + 1)
    this.#liveBytes = new Float64Array(maxShard + 1)
  }

  /** Shards come in ascending order of trust: of several copies the last one counts. */
  add({ no, prefixes }: PackedShard): void {
    this.#chunks[no] = prefixes.length / PREFIX_BYTES
    for (let at = 0; at < prefixes.length; at += PREFIX_BYTES) {
      const before = this.table.put(prefixes.subarray(at, at + PREFIX_BYTES), no)
      if (before === 0 || before === no) continue
      const winners = this.superseded.get(before)
      if (winners === undefined) this.superseded.set(before, new Set([no]))
      else winners.add(no)
    }
  }

  /** False when no shard has the chunk. `bytes`: plain length. */
  mark(id: Uint8Array, bytes: number): boolean {
    const chunk = this.table.find(id)
    if (chunk < 0) return false
    if (!this.table.mark(chunk, 'live')) return true
    this.count++
    const shard = this.table.shardOf(chunk)
    this.#live[shard] = (this.#live[shard] ?? 0) + 1
    this.#liveBytes[shard] = (this.#liveBytes[shard] ?? 0) + bytes
    return true
  }

  /** Whether a chunk is needed and this shard is where it is taken from. */
  needs(shard: number, id: Uint8Array): boolean {
    const chunk = this.table.find(id)
    return chunk >= 0 && this.table.isMarked(chunk, 'live') && this.table.shardOf(chunk) === shard
  }

  /** Of a shard's prefixes those for which it is the one that counts. */
  own({ no, prefixes }: PackedShard): Uint8Array {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < prefixes.length; at += PREFIX_BYTES) {
      const prefix = prefixes.subarray(at, at + PREFIX_BYTES)
      const chunk = this.table.find(prefix)
      if (chunk >= 0 && this.table.shardOf(chunk) === no) pieces.push(prefix)
    }
    return concat(...pieces)
  }

  usesOf(shard: number): { chunks: number; live: number; liveBytes: number } {
    return {
      chunks: this.#chunks[shard] ?? 0,
      live: this.#live[shard] ?? 0,
      liveBytes: this.#liveBytes[shard] ?? 0,
    }
  }
}

/** All chunks in shards that still exist. */
export async function tableOf({ catalogue, clock }: Parts, signal: AbortSignal): Promise<LiveSet> {
  const { chunks, maxShard } = catalogue.shards.extent()
  const live = new LiveSet(chunks, maxShard)
  for (const trust of ['lost', 'retired', 'others', 'live'] as const) {
    let last = 0
    for (;;) {
      const page = catalogue.shards.packed(trust, last, PAGE)
      for (const shard of page) live.add(shard)
      last = page.at(-1)?.no ?? last
      if (page.length < PAGE) break
      await clock.sleep(0, signal)
    }
  }
  return live
}

/** Follows snapshots, lists and trees, and marks all they lead to. Throws when metadata cannot be read. */
export class LiveWalk {
  readonly #session: Session
  readonly #live: LiveSet
  readonly #signal: AbortSignal
  readonly #walkedRiders = new Set<string>()
  /** Chunks that neither a shard nor the head has: what needs them is broken already. */
  missing = 0

  constructor(session: Session, live: LiveSet, signal: AbortSignal) {
    this.#session = session
    this.#live = live
    this.#signal = signal
  }

  async snapshot(row: SnapshotRow): Promise<void> {
    this.chunk(row.chunk, row.body.length)
    const { tree } = this.#session.parts.decoded.of(row)
    await this.#list(tree.chunks, tree.depth)
  }

  chunk(id: ChunkId, bytes: number): void {
    if (!this.#live.mark(id, bytes) && !this.#session.parts.inline.holds(id)) this.missing++
  }

  async #list(chunks: readonly ChunkId[], depth: number): Promise<void> {
    for (const id of chunks) {
      const bytes = await this.#once(id)
      if (bytes === undefined) continue
      if (depth === 0) await this.#nodes(bytes)
      else {
        const plain = asList(decodeObject('PXtl', bytes, limits.objectBytes), 'list', limits.listItems)
        await this.#list(
          plain.map((item) => chunkId(asBytes(item, 'list', { length: 32 }))),
          depth - 1,
        )
      }
    }
  }

  async #nodes(bytes: Uint8Array): Promise<void> {
    for (const { list, content } of decodeNodes(bytes)) {
      if (list !== undefined) await this.#list(list.chunks, list.depth)
      if (content !== undefined) await this.#content(content)
    }
  }

  async #content({ depth, extents }: Content): Promise<void> {
    for (const { chunk, from, length } of extents) {
      if (chunk === null) continue
      if (depth === 0) this.chunk(chunk, from + length)
      else {
        const bytes = await this.#once(chunk)
        if (bytes !== undefined) await this.#content({ depth: depth - 1, extents: extentsOf(bytes) })
      }
    }
  }

  /** The plaintext of a metadata chunk, the first time it is met. */
  async #once(id: ChunkId): Promise<Uint8Array | undefined> {
    this.#signal.throwIfAborted()
    const chunk = this.#live.table.find(id)
    if (chunk >= 0 && !this.#live.table.mark(chunk, 'walked')) return undefined
    if (chunk < 0) {
      const key = toHex(id)
      if (this.#walkedRiders.has(key)) return undefined
      this.#walkedRiders.add(key)
    }
    const bytes = await this.#session.chunks.read(id, this.#signal)
    this.chunk(id, bytes.length)
    return bytes
  }
}

function extentsOf(bytes: Uint8Array): Extent[] {
  return asList(decodeObject('PXex', bytes, limits.objectBytes), 'extent list', limits.listItems).map(readExtent)
}

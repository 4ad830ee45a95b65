/** Plaintext of a chunk from wherever it is. Invariant: what is returned was checked against the chunk id. */
import { equal, toHex, view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { chunkIdOf, type ChunkId, type OpenedShard } from '../../shard/index.ts'
import { PREFIX_BYTES } from '../catalogue/chunk-index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { Parts } from '../parts.ts'
import type { ShardReader } from './shard-reader.ts'

/** The shard that holds a chunk, if one does. */
export type Locate = (id: ChunkId) => ShardRow | undefined

/** Chunks whose shard is remembered: about 100 bytes each, and those of one shard more. */
const NEAR_CHUNKS = 16_384

export class ChunkReader {
  readonly #parts: Parts
  readonly #shards: ShardReader

  constructor(parts: Parts, shards: ShardReader) {
    this.#parts = parts
    this.#shards = shards
  }

  /** Throws `STORAGE_NOT_FOUND` for a chunk nobody knows, `STORAGE_UNRESTORABLE`, `STORAGE_CHUNK_CORRUPT`. */
  async read(id: ChunkId, signal: AbortSignal): Promise<Uint8Array> {
    const rider = this.#parts.inline.read(id)
    if (rider !== undefined) return this.check(id, rider)
    const row = this.locate(id)
    if (row === undefined) throw new PlexiError('STORAGE_NOT_FOUND', { what: `chunk ${toHex(id)}` })
    return this.fromShard(id, await this.#shards.open(row, signal))
  }

  /** The shard that holds a chunk, if one does; undefined also for chunks that ride in the head. */
  locate(id: ChunkId): ShardRow | undefined {
    const shard = this.#parts.index.find(id)
    return shard === undefined ? undefined : this.#parts.catalogue.shards.find(shard)
  }

  /** `locate` for a pass over many chunks: each shard is looked up once, what changes of it later is not seen. */
  locator(): Locate {
    const { index, catalogue } = this.#parts
    const rows = new Map<string, ShardRow>()
    return (id) => {
      const shard = index.find(id)
      if (shard === undefined) return undefined
      const key = view(shard).toString('latin1')
      const known = rows.get(key)
      if (known !== undefined) return known
      const row = catalogue.shards.find(shard)
      if (row !== undefined) rows.set(key, row)
      return row
    }
  }

  /**
   * A `locator` for chunks that come about as they were stored: what else a shard holds is expected next and found
   * without the index. Of a chunk that several living shards hold it may tell another one than the index does.
   */
  streamLocator(): Locate {
    const locate = this.locator()
    const { shards } = this.#parts.catalogue
    const near = new Map<string, ShardRow>()
    let last: ShardRow | undefined
    return (id) => {
      const known = near.get(prefixOf(id))
      if (known !== undefined) return known
      const row = locate(id)
      if (row !== undefined && row === last) {
        if (near.size > NEAR_CHUNKS) near.clear()
        for (const prefix of split(shards.livePrefixes(row.no))) near.set(prefix, row)
      }
      last = row
      return row
    }
  }

  fromShard(id: ChunkId, shard: OpenedShard): Uint8Array {
    const bytes = shard.read(id)
    if (bytes === undefined) throw corrupt(id)
    return this.check(id, bytes)
  }

  check(id: ChunkId, bytes: Uint8Array): Uint8Array {
    if (!equal(chunkIdOf(this.#parts.keys.shared.idMac, bytes), id)) throw corrupt(id)
    return bytes
  }
}

function prefixOf(id: ChunkId): string {
  return view(id).toString('latin1', 0, PREFIX_BYTES)
}

function split(prefixes: Uint8Array): string[] {
  const text = view(prefixes).toString('latin1')
  return Array.from({ length: text.length / PREFIX_BYTES }, (_, i) =>
    text.slice(i * PREFIX_BYTES, (i + 1) * PREFIX_BYTES),
  )
}

function corrupt(id: ChunkId): PlexiError {
  return new PlexiError('STORAGE_CHUNK_CORRUPT', { chunk: toHex(id) })
}

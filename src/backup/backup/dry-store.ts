/** Finding out what a backup would store, storing nothing. */
import { view } from '../../base/bytes.ts'
import { chunkId, chunkIdOf, type ChunkId } from '../../shard/index.ts'
import type { Pieces } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { Parts } from '../parts.ts'
import type { ChunkStore } from './content-deps.ts'

export class DryStore implements ChunkStore {
  readonly #parts: Parts
  readonly #seen = new Set<string>()
  readonly stats = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0 }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  putPieces(_slab: Uint8Array, { ids, lengths }: Pieces): Promise<void> {
    lengths.forEach((length, i) => {
      this.#count(chunkId(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)), length)
    })
    return Promise.resolve()
  }

  reuse(id: ChunkId): boolean {
    return this.#parts.inline.has(id) || this.#parts.index.find(id) !== undefined
  }

  putObject(object: Uint8Array): Promise<ChunkId> {
    const id = chunkIdOf(this.#parts.keys.shared.idMac, object)
    this.#count(id, object.length)
    return Promise.resolve(id)
  }

  #count(id: ChunkId, length: number): void {
    const key = view(id).toString('latin1', 0, 16)
    if (this.#seen.has(key) || this.reuse(id)) return
    this.#seen.add(key)
    this.stats.newBytes += length
  }
}

/** Finding out what a backup would store, storing nothing. */
import { view } from '../../base/bytes.ts'
import { chunkIdOf, type ChunkId } from '../../shard/index.ts'
import type { Parts } from '../parts.ts'
import type { ChunkStore } from './tree-writer.ts'

export class DryStore implements ChunkStore {
  readonly #parts: Parts
  readonly #seen = new Set<string>()
  readonly stats = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0 }

  constructor(parts: Parts) {
    this.#parts = parts
  }

  putData(bytes: Uint8Array): Promise<ChunkId> {
    return Promise.resolve(this.#count(bytes))
  }

  putPieces(slab: Uint8Array, lengths: readonly number[]): Promise<ChunkId[]> {
    let at = 0
    return Promise.resolve(lengths.map((length) => this.#count(slab.subarray(at, (at += length)))))
  }

  reuse(id: ChunkId): boolean {
    return this.#parts.inline.has(id) || this.#parts.index.find(id) !== undefined
  }

  putObject(object: Uint8Array): Promise<ChunkId> {
    return Promise.resolve(this.#count(object))
  }

  #count(bytes: Uint8Array): ChunkId {
    const id = chunkIdOf(this.#parts.keys.shared.idMac, bytes)
    const key = view(id).toString('latin1', 0, 16)
    if (this.#seen.has(key) || this.#parts.inline.has(id) || this.#parts.index.find(id) !== undefined) return id
    this.#seen.add(key)
    this.stats.newBytes += bytes.length
    return id
  }
}

/**
 * Every chunk of the vault by its 16-byte prefix, with the shard it is taken from and two marks, in typed arrays: at
 * most 48 bytes a chunk, good for tens of millions. Prefixes are keyed hashes, so that they spread by themselves.
 */
import { PREFIX_BYTES } from '../catalogue/chunk-index.ts'

/** `live`: a snapshot needs it. `walked`: metadata whose content was followed already. */
export type Mark = 'live' | 'walked'

/** Slots are twice as many as chunks: short chains. */
const SPARE = 2

export class ChunkTable {
  readonly #prefixes: Uint8Array
  readonly #words: Uint32Array
  readonly #shards: Uint32Array
  /** Number of the chunk + 1; 0: free. */
  readonly #slots: Uint32Array
  readonly #marks: { readonly live: Uint8Array; readonly walked: Uint8Array }
  #count = 0

  /** `capacity` chunks at most, counting repeated ones. */
  constructor(capacity: number) {
    this.#prefixes = new Uint8Array(capacity * PREFIX_BYTES)
    this.#words = new Uint32Array(this.#prefixes.buffer)
    this.#shards = new Uint32Array(capacity)
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity * SPARE))))
    const bits = Math.ceil(capacity / 8)
    this.#marks = { live: new Uint8Array(bits), walked: new Uint8Array(bits) }
  }

  /** Distinct chunks. */
  get size(): number {
    return this.#count
  }

  /** The chunk is in this shard; a later call for the same chunk wins. Returns the shard it was in before, or 0. */
  put(prefix: Uint8Array, shard: number): number {
    const words = wordsOf(prefix)
    let slot = this.#slotOf(words)
    for (let no = this.#slots[slot] ?? 0; no !== 0; no = this.#slots[slot] ?? 0) {
      if (this.#equals(no - 1, words)) {
        const before = this.#shards[no - 1] ?? 0
        this.#shards[no - 1] = shard
        return before
      }
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    this.#words.set(words, this.#count * 4)
    this.#shards[this.#count] = shard
    this.#slots[slot] = ++this.#count
    return 0
  }

  /** Number of a chunk, or -1. `id` may be whole or a prefix. */
  find(id: Uint8Array): number {
    const words = wordsOf(id)
    let slot = this.#slotOf(words)
    for (let no = this.#slots[slot] ?? 0; no !== 0; no = this.#slots[slot] ?? 0) {
      if (this.#equals(no - 1, words)) return no - 1
      slot = (slot + 1) & (this.#slots.length - 1)
    }
    return -1
  }

  shardOf(chunk: number): number {
    return this.#shards[chunk] ?? 0
  }

  isMarked(chunk: number, mark: Mark): boolean {
    return ((this.#marks[mark][chunk >> 3] ?? 0) & (1 << (chunk & 7))) !== 0
  }

  /** False when it was marked before. */
  mark(chunk: number, mark: Mark): boolean {
    if (this.isMarked(chunk, mark)) return false
    const bits = this.#marks[mark]
    bits[chunk >> 3] = (bits[chunk >> 3] ?? 0) | (1 << (chunk & 7))
    return true
  }

  #slotOf(words: Uint32Array): number {
    return (words[0] ?? 0) & (this.#slots.length - 1)
  }

  #equals(chunk: number, words: Uint32Array): boolean {
    const at = chunk * 4
    const all = this.#words
    return all[at] === words[0] && all[at + 1] === words[1] && all[at + 2] === words[2] && all[at + 3] === words[3]
  }
}

const scratch = new Uint8Array(PREFIX_BYTES)
const scratchWords = new Uint32Array(scratch.buffer)

/** The first 16 bytes as four words: valid until the next call. */
function wordsOf(id: Uint8Array): Uint32Array {
  for (let i = 0; i < PREFIX_BYTES; i++) scratch[i] = id[i] ?? 0
  return scratchWords
}

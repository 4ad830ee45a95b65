/**
 * Cutting a file at given places, and between them as content says. Two exports of one app hold the same members at
 * other places: cut like this they still share chunks. Spec: docs/spec/04-snapshot-and-head.md § Archives.
 * Invariant: the places and the content alone decide; memory is bounded by one block.
 */
import type { Chunker } from '../../shard/index.ts'
import type { Fill } from './fill.ts'

/** Pieces one after the other in `slab`, valid until the next are asked for. */
export interface Pieces {
  readonly slab: Uint8Array
  readonly lengths: readonly number[]
}

interface Sizes {
  readonly blockBytes: number
  readonly maxBytes: number
}

/** Places that lie closer to the last cut are passed over: a chunk costs more than it may save. */
const MIN_PART_BYTES = 1024
const MIN_MEMBER_BYTES = 16_384
const LOCAL_HEADER = 0x504b0304
const LOCAL_HEADER_BYTES = 30

/** `places`: offsets in ascending order. */
export async function* cutAt(
  places: Float64Array,
  from: { chunker: Chunker; fill: Fill },
  { blockBytes, maxBytes }: Sizes,
): AsyncGenerator<Pieces> {
  const buffer = Buffer.allocUnsafe(blockBytes + maxBytes)
  const parts = new Parts(places)
  let held = 0
  let position = 0
  for (let ended = false; !ended;) {
    while (held < buffer.length && !ended) {
      const count = await from.fill(buffer.subarray(held))
      if (count === 0) ended = true
      held += count
    }
    const lengths: number[] = []
    let at = 0
    while (at < held && (ended || held - at >= maxBytes)) {
      const data = buffer.subarray(at, held)
      const part = Math.min(parts.rest(position, data), data.length, maxBytes)
      const length = from.chunker.next(data.subarray(0, part))
      lengths.push(length)
      at += length
      position += length
    }
    if (lengths.length > 0) yield { slab: buffer.subarray(0, at), lengths }
    buffer.copyWithin(0, at, held)
    held -= at
  }
}

/** Knows where the part that begins or goes on at a position ends. */
class Parts {
  readonly #places: Float64Array
  #next = 0
  #end = 0

  constructor(places: Float64Array) {
    this.#places = places
  }

  /** Bytes from `position` to the end of its part; `data` begins there. */
  rest(position: number, data: Buffer): number {
    if (position >= this.#end) this.#end = this.#endOf(position, data)
    return this.#end - position
  }

  #endOf(position: number, data: Buffer): number {
    let member = false
    while (this.#place <= position) {
      member ||= this.#place === position
      this.#next++
    }
    while (this.#place < position + MIN_PART_BYTES) this.#next++
    const end = this.#place
    // A large member's header is a part of its own: it may hold times that change while the content does not.
    const header = member ? headerBytes(data) : 0
    return header > 0 && end - position >= MIN_MEMBER_BYTES ? position + header : end
  }

  get #place(): number {
    return this.#places[this.#next] ?? Infinity
  }
}

/** Length of a member's local header, 0 where there is none. */
function headerBytes(data: Buffer): number {
  if (data.length < LOCAL_HEADER_BYTES || data.readUInt32BE(0) !== LOCAL_HEADER) return 0
  return LOCAL_HEADER_BYTES + data.readUInt16LE(26) + data.readUInt16LE(28)
}

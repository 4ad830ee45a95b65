/**
 * Packing: chunks → frames → sealed shards with next to no room left over. Spec: docs/spec/02-shard.md § Packing.
 * Invariant: a chunk added is in exactly one sealed shard, or handed back by `takeWaiting`; memory is bounded by the
 * window, one open shard and one carried frame.
 */
import { copyInto, copyOf, view } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { compressFrame, inflateFrame, type StoredFrame } from './frame.ts'
import type { ChunkId } from './ids.ts'
import { tableBytes, type ChunkEntry, type ShardKind } from './layout.ts'
import {
  ENTRY_ROW_BYTES,
  FRAME_ROW_BYTES,
  MAX_CHUNK_BYTES,
  MAX_ENTRIES,
  MAX_FRAMES,
  MAX_FRAME_BYTES,
  SHARD_PLAIN_BYTES,
  type PackerOptions,
} from './options.ts'
import { pickFitting } from './pick.ts'
import { evennessOf, SizeEstimate, type Evenness } from './size-estimate.ts'
import { sealShard, type SealedShard, type SealWith } from './sealed-shard.ts'
import { Shelf } from './shelf.ts'

export interface WaitingChunk {
  readonly id: ChunkId
  readonly bytes: Uint8Array
  readonly kind: 'data' | 'metadata'
}

interface KeptChunk extends WaitingChunk {
  readonly evenness: Evenness
  /** Its bytes are the caller's memory. */
  readonly borrowed: boolean
}

/** A frame with its chunks; they lie one after the other in the plain bytes. */
interface PackedFrame extends StoredFrame {
  readonly chunks: readonly PackedChunk[]
}

interface PackedChunk {
  readonly id: ChunkId
  readonly length: number
  readonly kind: 'data' | 'metadata'
  readonly evenness: Evenness
}

/** What a packer works in; some 10 MiB that the next one takes over. */
export class PackerMemory {
  /** Where the frames of the open shard lie, and the carried one; used for shard after shard. */
  open = new Uint8Array(SHARD_PLAIN_BYTES)
  carried = new Uint8Array(SHARD_PLAIN_BYTES)
  /** Chunks that wait. */
  shelf = new Shelf()

  swap(): void {
    ;[this.open, this.carried] = [this.carried, this.open]
  }
}

/** Fills shard after shard. Not for concurrent use: await one call before the next. */
export class ShardPacker {
  readonly #options: PackerOptions
  readonly #deps: Omit<SealWith, 'suite'>
  /** Source order. */
  #waiting: KeptChunk[] = []
  #waitingPlain = 0
  #open: PackedFrame[] = []
  #openUsed = tableBytes(0, 0)
  #openEntries = 0
  /** A frame that did not fit the open shard; it will be the first of the next. */
  #carried: PackedFrame | undefined
  readonly #memory: PackerMemory
  /** Frames put into the open shard, or tried in vain, since its room became scarce. */
  #closing = 0
  /** Frames since then that came out larger than the room. */
  #misses = 0
  readonly #estimate = new SizeEstimate()
  readonly #ids = new Set<string>()

  /** `memory`: of a packer that is used no more. */
  constructor(options: PackerOptions, deps: Omit<SealWith, 'suite'>, memory: PackerMemory = new PackerMemory()) {
    invariant(options.frameBytes >= 1 && options.frameBytes <= MAX_FRAME_BYTES, 'frame size')
    invariant(options.windowChunks >= 1, 'window size')
    this.#options = options
    this.#deps = deps
    this.#memory = memory
  }

  /** Takes a chunk (copied) and returns the shards completed by it. A chunk that already waits is not taken twice. */
  add(chunk: WaitingChunk): SealedShard[] {
    return this.addAll([chunk])
  }

  /** The same for many: their bytes are read during the call only, and copied only where they go on waiting. */
  addAll(chunks: readonly WaitingChunk[]): SealedShard[] {
    for (const chunk of chunks) this.#keep(chunk)
    const sealed: SealedShard[] = []
    const { windowChunks, frameBytes } = this.#options
    while (this.#waiting.length > windowChunks && this.#waitingPlain >= 2 * frameBytes) this.#step(sealed)
    this.#own()
    return sealed
  }

  /** Seals all that waits; the last shard may be mostly padding. */
  flush(): SealedShard[] {
    const sealed: SealedShard[] = []
    while (this.#waiting.length > 0 || this.#open.length > 0 || this.#carried !== undefined) {
      // With nothing left to fill the room with, the carried frame is cut up for it.
      if (this.#waiting.length === 0 && this.#carried !== undefined && this.#closing < MAX_CLOSING) this.#putBack()
      if (this.#waiting.length > 0) this.#step(sealed)
      else this.#seal(sealed)
    }
    return sealed
  }

  /** Hands back every chunk not yet sealed and forgets it. */
  takeWaiting(): WaitingChunk[] {
    const frames = this.#carried === undefined ? this.#open : [...this.#open, this.#carried]
    const chunks = [...frames.flatMap(unpack), ...this.#waiting].map(({ id, bytes, kind }) => ({ id, bytes, kind }))
    this.#waiting = []
    this.#waitingPlain = 0
    this.#carried = undefined
    // What is handed back stays where it lies.
    this.#memory.shelf = new Shelf()
    this.#reopen()
    this.#ids.clear()
    return chunks
  }

  /** About how many bytes of a shard the chunks not yet sealed will take. 0 when nothing waits. */
  get waitingBytes(): number {
    const open = this.#open.length === 0 ? 0 : this.#openUsed
    const carried = this.#carried === undefined ? 0 : costOf(this.#carried)
    return this.#waiting.reduce((sum, chunk) => sum + this.#costOf(chunk), open + carried)
  }

  #keep(chunk: WaitingChunk): void {
    invariant(chunk.bytes.length >= 1 && chunk.bytes.length <= MAX_CHUNK_BYTES, 'chunk length')
    const key = keyOf(chunk.id)
    if (this.#ids.has(key)) return
    this.#ids.add(key)
    const { id, kind, bytes } = chunk
    this.#waiting.push({ id, kind, bytes, evenness: evennessOf(bytes), borrowed: true })
    this.#waitingPlain += bytes.length
  }

  /** What goes on waiting no longer depends on the caller's memory. */
  #own(): void {
    const { shelf } = this.#memory
    const more = this.#waiting.reduce((sum, chunk) => sum + (chunk.borrowed ? chunk.bytes.length : 0), 0)
    if (!shelf.hasRoom(more)) {
      const kept = this.#waiting.filter(({ borrowed }) => !borrowed)
      const moved = shelf.makeRoom(
        more,
        kept.map(({ bytes }) => bytes),
      )
      const places = new Map(kept.map((chunk, i) => [chunk, moved[i] as Uint8Array]))
      this.#waiting = this.#waiting.map((chunk) => ({ ...chunk, bytes: places.get(chunk) ?? chunk.bytes }))
    }
    this.#waiting = this.#waiting.map((chunk) =>
      chunk.borrowed ? { ...chunk, bytes: shelf.take(chunk.bytes), borrowed: false } : chunk,
    )
  }

  /** One frame: into the open shard, or carried to the next. Seals the open shard when nothing more fits it. */
  #step(sealed: SealedShard[]): void {
    const room = SHARD_PLAIN_BYTES - this.#openUsed
    const candidates = this.#waiting.map((chunk) => ({ length: chunk.bytes.length, cost: this.#costOf(chunk) }))
    const bounds = { room, frameBytes: this.#options.frameBytes, entries: MAX_ENTRIES - this.#openEntries }
    const { picked, scarce } = pickFitting(candidates, bounds)
    invariant(picked.length > 0 || this.#open.length > 0, 'a chunk fits an empty shard')
    if (scarce) this.#closing++
    if (picked.length === 0 || this.#closing > MAX_CLOSING || this.#open.length >= MAX_FRAMES) {
      this.#seal(sealed)
      return
    }
    const frame = pack(
      picked.map((index) => this.#waiting[index] as KeptChunk),
      this.#options.level,
    )
    this.#estimate.learn(frame.chunks, frame.stored.length)
    const fits = costOf(frame) <= room
    if (!fits) {
      this.#closing++
      this.#misses++
      // The work is not lost: the frame opens the next shard. A second one would be, and is done again smaller.
      if (this.#carried !== undefined) return
    }
    this.#drop(picked, frame.plainLength)
    if (fits) this.#put({ ...frame, stored: kept(frame.stored, this.#memory.open, this.#openStored()) })
    else this.#carried = { ...frame, stored: kept(frame.stored, this.#memory.carried, 0) }
    if (SHARD_PLAIN_BYTES - this.#openUsed < CLOSE_BYTES) this.#seal(sealed)
  }

  /** Room a chunk is expected to take; after two misses, what it takes at worst. */
  #costOf({ bytes, evenness }: KeptChunk): number {
    const ratio = this.#misses >= 2 ? 1 : Math.min(1, this.#estimate.ratioOf(evenness) * MARGIN)
    return Math.ceil(bytes.length * ratio) + ENTRY_ROW_BYTES
  }

  #putBack(): void {
    if (this.#carried === undefined) return
    this.#waiting = unpack(this.#carried)
    this.#waitingPlain = this.#carried.plainLength
    this.#carried = undefined
  }

  /** Bytes of the open shard's frames. */
  #openStored(): number {
    return this.#openUsed - tableBytes(this.#open.length, this.#openEntries)
  }

  #put(frame: PackedFrame): void {
    this.#open.push(frame)
    this.#openUsed += costOf(frame)
    this.#openEntries += frame.chunks.length
  }

  #drop(picked: readonly number[], plainLength: number): void {
    const gone = new Set(picked)
    this.#waiting = this.#waiting.filter((_, index) => !gone.has(index))
    this.#waitingPlain -= plainLength
  }

  #seal(sealed: SealedShard[]): void {
    const frames = this.#open
    if (frames.length > 0) {
      const kind = kindOf(frames)
      const shard = sealShard(
        { kind, frames, entries: entriesOf(frames) },
        { suite: this.#options.suite, ...this.#deps },
      )
      for (const entry of shard.chunks) this.#ids.delete(keyOf(entry.id))
      sealed.push(shard)
    }
    this.#reopen()
    if (this.#carried !== undefined) {
      this.#memory.swap()
      this.#put(this.#carried)
      this.#carried = undefined
    }
  }

  #reopen(): void {
    this.#open = []
    this.#openUsed = tableBytes(0, 0)
    this.#openEntries = 0
    this.#closing = 0
    this.#misses = 0
  }
}

/** Room below which a shard is sealed: 0.25 %. */
const CLOSE_BYTES = 2_600
/** Attempts to fill the last room of a shard. */
const MAX_CLOSING = 8
/** Small frames compress a little worse than the one before. */
const MARGIN = 1.03

/** Frames are built in one slab: compressing is synchronous, and what is kept of it is copied. */
const frameSlab = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES)

/** Its `stored` is to be kept before the next. */
function pack(chunks: readonly KeptChunk[], level: number): PackedFrame {
  const listed = chunks.map(({ id, bytes, kind, evenness }) => ({ id, length: bytes.length, kind, evenness }))
  return { ...compressFrame(joined(chunks), level), chunks: listed }
}

/** The chunks one after the other: where they lie so already, without a copy. */
function joined(chunks: readonly KeptChunk[]): Uint8Array {
  const first = (chunks[0] as KeptChunk).bytes
  let end = 0
  let inPlace = true
  for (const { bytes } of chunks) {
    inPlace &&= bytes.buffer === first.buffer && bytes.byteOffset === first.byteOffset + end
    end += bytes.length
  }
  if (inPlace) return Buffer.from(first.buffer, first.byteOffset, end)
  let at = 0
  for (const { bytes } of chunks) {
    copyInto(frameSlab, at, bytes)
    at += bytes.length
  }
  return frameSlab.subarray(0, end)
}

function kept(stored: Uint8Array, slab: Uint8Array, at: number): Uint8Array {
  copyInto(slab, at, stored)
  return slab.subarray(at, at + stored.length)
}

/** In memory of their own. */
function unpack(frame: PackedFrame): KeptChunk[] {
  const plain = frame.codec === 0 ? copyOf(frame.stored) : inflateFrame(frame)
  let at = 0
  return frame.chunks.map(({ length, ...chunk }) => ({
    ...chunk,
    bytes: plain.subarray(at, (at += length)),
    borrowed: false,
  }))
}

/** Room a frame takes with its rows of both tables. */
function costOf(frame: PackedFrame): number {
  return FRAME_ROW_BYTES + frame.chunks.length * ENTRY_ROW_BYTES + frame.stored.length
}

function entriesOf(frames: readonly PackedFrame[]): ChunkEntry[] {
  return frames.flatMap(({ chunks }, frame) => {
    let offset = 0
    return chunks.map(({ id, length }) => {
      const entry = { id, frame, offset, length }
      offset += length
      return entry
    })
  })
}

function kindOf(frames: readonly PackedFrame[]): ShardKind {
  const all = frames.flatMap((frame) => frame.chunks)
  if (all.every((chunk) => chunk.kind === 'data')) return 1
  return all.every((chunk) => chunk.kind === 'metadata') ? 2 : 3
}

function keyOf(id: Uint8Array): string {
  return view(id).toString('latin1')
}

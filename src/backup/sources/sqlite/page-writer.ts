/**
 * A database's pages → chunks and extents. Spec: docs/spec/04-snapshot-and-head.md § Databases.
 * Invariants: a page whose hash the map knows, in a chunk that is still there and at least half live, is not stored
 * again; chunks hold whole pages, at most 64 KiB, of one segment.
 */
import { view } from '../../../base/bytes.ts'
import { chunkId, type ChunkId } from '../../../shard/index.ts'
import type { Pieces } from '../../kernel/jobs.ts'
import { ID_BYTES } from '../../kernel/namer.ts'
import type { KernelPool } from '../../kernel/pool.ts'
import { ContentBuilder, type ObjectStore } from '../../tree/list-builder.ts'
import type { Content } from '../../tree/node.ts'
import { pagesPerChunk, pagesPerSegment, type PageSegment } from './page-segment.ts'

/** Where pages go. */
export interface PageStore extends ObjectStore {
  /** Stores named pieces that lie one after the other in `slab`, which is free again when it resolves. */
  putPieces(slab: Uint8Array, pieces: Pieces): Promise<void>
  /** Whether a chunk stored earlier may be referred to again. */
  reuse(id: ChunkId): boolean
}

/** What the last backup knew, and what this one learns. */
export interface SegmentMap {
  get(no: number): PageSegment | undefined
  put(no: number, segment: PageSegment): void
}

export interface PageSource {
  readonly size: number
  readonly pageBytes: number
  /** Fills `into` from `position`; fewer bytes only at the end. */
  read(into: Uint8Array, position: number): Promise<number>
}

interface Deps {
  readonly store: PageStore
  readonly map: SegmentMap
  readonly kernel: Pick<KernelPool, 'run'>
  readonly signal: AbortSignal
  readonly progress: (bytes: number) => void
}

interface Loaded {
  readonly data: Uint8Array
  readonly hashes: Uint8Array
}

/** Bytes a thread hashes, names or packs at a time. */
const READ_BYTES = 2 * 1024 * 1024
const HASH_BYTES = 16
const NOT_KEPT = 0xffff

/** Stores one database. */
export class PageWriter {
  readonly #source: PageSource
  readonly #deps: Deps
  readonly #segmentBytes: number

  constructor(source: PageSource, deps: Deps) {
    this.#source = source
    this.#deps = deps
    this.#segmentBytes = pagesPerSegment(source.pageBytes) * source.pageBytes
  }

  /** Number of segments a database of that size has. */
  get segments(): number {
    return Math.ceil(this.#source.size / this.#segmentBytes)
  }

  /** `size` is what was read: less than announced where the file became shorter. */
  async write(): Promise<{ content: Content; size: number }> {
    const builder = new ContentBuilder(this.#deps.store)
    const room = Math.min(this.#segmentBytes, this.#source.size)
    const slabs = [shared(room), shared(room)] as const
    let size = 0
    let loading = this.#load(slabs[0], 0)
    try {
      for (let no = 0; no < this.segments; no++) {
        const loaded = await loading
        // While this one is stored the next one is read.
        if (no + 1 < this.segments) loading = this.#load(slabs[no % 2 === 0 ? 1 : 0], no + 1)
        this.#deps.signal.throwIfAborted()
        await this.#store(no, loaded, builder)
        size += loaded.data.length
        this.#deps.progress(loaded.data.length)
      }
    } finally {
      await loading.catch(() => undefined)
    }
    return { content: await builder.finish(), size }
  }

  async #load(slab: Uint8Array, no: number): Promise<Loaded> {
    const { size, pageBytes } = this.#source
    const start = no * this.#segmentBytes
    const wanted = Math.min(this.#segmentBytes, size - start)
    const hashing: Promise<Uint8Array>[] = []
    let at = 0
    try {
      while (at < wanted) {
        const block = slab.subarray(at, Math.min(wanted, at + READ_BYTES))
        const count = await this.#readAll(block, start + at)
        hashing.push(this.#deps.kernel.run('pages', { bytes: block.subarray(0, count), pageBytes }))
        at += count
        if (count < block.length) break
      }
      return { data: slab.subarray(0, at), hashes: Buffer.concat(await Promise.all(hashing)) }
    } finally {
      await Promise.allSettled(hashing)
    }
  }

  async #readAll(into: Uint8Array, position: number): Promise<number> {
    let at = 0
    while (at < into.length) {
      const count = await this.#source.read(into.subarray(at), position + at)
      if (count === 0) break
      at += count
    }
    return at
  }

  async #store(no: number, { data, hashes }: Loaded, builder: ContentBuilder): Promise<void> {
    const { pageBytes } = this.#source
    const old = this.#deps.map.get(no)
    const pages = hashes.length / HASH_BYTES
    const plan = planPages({ pages, hashes, old, reuse: (id) => this.#deps.store.reuse(id) })
    const segment =
      plan.fresh === 0 && old?.pages === pages ? old : await this.#putFresh({ data, hashes, old }, plan.kept)
    if (segment !== old) this.#deps.map.put(no, segment)
    await pushExtents(segment, { pageBytes, bytes: data.length }, builder)
  }

  /** Names and stores pieces, some threads at once. */
  async #putPieces(slab: Uint8Array, lengths: readonly number[]): Promise<ChunkId[]> {
    const { kernel, store } = this.#deps
    const runs = runsOf(lengths).map(async ({ at, bytes, lengths: some }) => {
      const run = slab.subarray(at, at + bytes)
      const pieces = await kernel.run('name', { bytes: run, lengths: some })
      await store.putPieces(run, pieces)
      return idsOf(pieces)
    })
    const ended = await Promise.allSettled(runs)
    return ended.flatMap((end) => {
      if (end.status === 'rejected') throw end.reason as Error
      return end.value
    })
  }

  /** Stores the pages that are not kept, and says where all of them are. */
  async #putFresh(
    { data, hashes, old }: Loaded & { old: PageSegment | undefined },
    kept: Uint16Array,
  ): Promise<PageSegment> {
    const { pageBytes } = this.#source
    const pages = kept.length
    const slots = new Uint16Array(pages)
    const positions = new Uint8Array(pages)
    const chunks: { id: ChunkId; pages: number }[] = []
    const renumbered = new Map<number, number>()
    const { size, lengths, counts } = gather(data, kept, pageBytes)
    const ids = await this.#putPieces(data.subarray(0, size), lengths)
    let piece = 0
    let position = 0
    ids.forEach((id, i) => chunks.push({ id, pages: counts[i] ?? 0 }))
    for (let page = 0; page < pages; page++) {
      const slot = kept[page] ?? NOT_KEPT
      if (slot !== NOT_KEPT) {
        const known = old?.chunks[slot]
        if (known !== undefined && !renumbered.has(slot)) renumbered.set(slot, chunks.push(known) - 1)
        slots[page] = renumbered.get(slot) ?? 0
        positions[page] = old?.positions[page] ?? 0
        continue
      }
      slots[page] = piece
      positions[page] = position++
      if (position === counts[piece]) {
        piece++
        position = 0
      }
    }
    return { pages, hashes: Buffer.from(hashes), slots, positions, chunks }
  }
}

/** Memory that threads share. */
function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes))
}

interface Plan {
  /** Per page the old slot it stays in, or `NOT_KEPT`. */
  readonly kept: Uint16Array
  readonly fresh: number
}

/** Which pages stay where they are: unchanged ones, in chunks that are still there and at least half live. */
function planPages(from: {
  pages: number
  hashes: Uint8Array
  old: PageSegment | undefined
  reuse: (id: ChunkId) => boolean
}): Plan {
  const { pages, old } = from
  const kept = new Uint16Array(pages).fill(NOT_KEPT)
  if (old === undefined) return { kept, fresh: pages }
  const live = new Uint16Array(old.chunks.length)
  const now = view(from.hashes)
  const before = view(old.hashes)
  for (let page = 0; page < Math.min(pages, old.pages); page++) {
    const at = page * HASH_BYTES
    if (now.compare(before, at, at + HASH_BYTES, at, at + HASH_BYTES) !== 0) continue
    const slot = old.slots[page] as number
    kept[page] = slot
    live[slot] = (live[slot] as number) + 1
  }
  const usable = old.chunks.map(({ id, pages: all }, slot) => {
    const count = live[slot] as number
    return count > 0 && count * 2 >= all && from.reuse(id)
  })
  let fresh = 0
  for (let page = 0; page < pages; page++) {
    const slot = kept[page] as number
    if (slot !== NOT_KEPT && usable[slot] === true) continue
    kept[page] = NOT_KEPT
    fresh++
  }
  return { kept, fresh }
}

interface Run {
  readonly at: number
  readonly bytes: number
  readonly lengths: Uint32Array
}

/** Pieces by runs of about `READ_BYTES`, so that every thread gets some. */
function runsOf(lengths: readonly number[]): Run[] {
  const runs: Run[] = []
  for (let first = 0, at = 0; first < lengths.length;) {
    let bytes = 0
    let next = first
    while (next < lengths.length && bytes < READ_BYTES) bytes += lengths[next++] as number
    runs.push({ at, bytes, lengths: Uint32Array.from(lengths.slice(first, next)) })
    at += bytes
    first = next
  }
  return runs
}

function idsOf({ ids, lengths }: Pieces): ChunkId[] {
  return Array.from(lengths, (_, i) => chunkId(ids.slice(i * ID_BYTES, (i + 1) * ID_BYTES)))
}

interface Gathered {
  /** Bytes of all pieces. */
  readonly size: number
  readonly lengths: readonly number[]
  /** Pages of each piece. */
  readonly counts: readonly number[]
}

/** Moves the pages to store to the front of `data`, where they make pieces of whole pages; the others are lost. */
function gather(data: Uint8Array, kept: Uint16Array, pageBytes: number): Gathered {
  const most = pagesPerChunk(pageBytes)
  const lengths: number[] = []
  const counts: number[] = []
  let size = 0
  for (let page = 0; page < kept.length; page++) {
    if (kept[page] !== NOT_KEPT) continue
    const start = page * pageBytes
    const end = Math.min(start + pageBytes, data.length)
    if (start !== size) data.copyWithin(size, start, end)
    size += end - start
    const last = counts.length - 1
    const room = last >= 0 && (counts[last] as number) < most
    if (room) {
      counts[last] = (counts[last] as number) + 1
      lengths[last] = (lengths[last] as number) + end - start
    } else {
      counts.push(1)
      lengths.push(end - start)
    }
  }
  return { size, lengths, counts }
}

/** Pages that follow each other in the file and in their chunk are one extent. */
async function pushExtents(
  segment: PageSegment,
  { pageBytes, bytes }: { pageBytes: number; bytes: number },
  builder: ContentBuilder,
): Promise<void> {
  const { pages, slots, positions, chunks } = segment
  for (let first = 0, next = 1; first < pages; first = next, next = first + 1) {
    const slot = slots[first] as number
    const position = positions[first] as number
    while (next < pages && slots[next] === slot && positions[next] === position + next - first) next++
    const length = Math.min(next * pageBytes, bytes) - first * pageBytes
    await builder.push({ chunk: chunks[slot]?.id ?? null, from: position * pageBytes, length })
  }
}

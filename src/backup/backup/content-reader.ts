/**
 * Files → chunks and extents, on the engine's threads: small files many at a time, large ones as a stream of blocks.
 * Invariants: content lies in slabs only, so memory does not depend on the input; whatever is read is also stored, in
 * any order; a stream gives up the slab it was cut from without needing another, so streams never wait for each other.
 */
import { copyInto, copyOf } from '../../base/bytes.ts'
import type { DiskFile, DiskStat } from '../../base/disk.ts'
import { invariant, PlexiError } from '../../base/errors.ts'
import { Semaphore } from '../../base/queue.ts'
import type { SlabPool } from '../kernel/slabs.ts'
import { nameText } from '../sources/excludes.ts'
import { maybeExport } from '../sources/exports/recognise.ts'
import type { Fill } from '../sources/fill.ts'
import { hasChanged, openSource } from '../sources/read-file.ts'
import { reasonOf } from '../sources/reason.ts'
import { isSparse, regionsOf } from '../sources/regions.ts'
import { HEADER_BYTES, readHeader } from '../sources/sqlite/database-header.ts'
import type { WalkEntry } from '../sources/walk.ts'
import { ContentBuilder } from '../tree/list-builder.ts'
import type { Content } from '../tree/node.ts'
import type { Written, WrittenContent } from './written.ts'
import { pushExtents } from './extents.ts'
import { SmallFiles, type SmallWritten } from './small-files.ts'
import type { ContentDeps } from './content-deps.ts'

/** Large files read at once. */
const STREAMS = 3

export class ContentReader {
  readonly #deps: ContentDeps
  readonly #small: SmallFiles
  readonly #streams = new Semaphore(STREAMS)
  #listsReadable = true

  constructor(deps: ContentDeps) {
    this.#deps = deps
    this.#small = new SmallFiles(deps)
  }

  /** Starts with a file; small ones wait for `send`. Never rejects before it is awaited. */
  start(entry: WalkEntry): Promise<Written | 'database'> {
    const work: Promise<SmallWritten> =
      entry.stat.size <= this.#deps.parts.options.chunk.maxBytes
        ? this.#small.add(entry)
        : this.#streams.run(() => this.#large(entry, false), this.#deps.signal)
    work.catch(() => undefined)
    return work
  }

  /** A file that is remembered; it is read when not all of it can be had any more. Never rejects before it is awaited. */
  known(entry: WalkEntry, remembered: Content): Promise<Written | 'database'> {
    const work = this.#known(entry, remembered)
    work.catch(() => undefined)
    return work
  }

  async #known(entry: WalkEntry, remembered: Content): Promise<Written | 'database'> {
    const { counters, progress } = this.#deps
    const { size } = entry.stat
    if (remembered.depth > 0 && !(await this.#streams.run(() => this.#canBeHad(remembered, size))))
      return this.start(entry)
    const content = remembered.depth > 0 ? remembered : await this.#rebuilt(remembered)
    counters.bytesDone += size
    progress()
    return { content, remembered, size, changed: false, known: true }
  }

  /** Lists of extents that were lost meanwhile are stored again. */
  async #rebuilt({ extents }: Content): Promise<Content> {
    const builder = new ContentBuilder(this.#deps.store)
    for (const extent of extents) await builder.push(extent)
    return builder.finish()
  }

  /** Follows the lists of a long file. Where one could not be read, as no host can be reached, no other is tried. */
  async #canBeHad(content: Content, size: number): Promise<boolean> {
    const { tree, store, signal } = this.#deps
    if (!this.#listsReadable) return false
    try {
      for await (const id of tree.listChunks({ content })) if (!store.reuse(id)) return false
      for await (const { chunk } of tree.extents(content, size)) if (chunk !== null && !store.reuse(chunk)) return false
      return true
    } catch {
      signal.throwIfAborted()
      this.#listsReadable = false
      return false
    }
  }

  /** Small files collected so far are read now. */
  send(): void {
    this.#small.send()
  }

  /** A file of any size, block by block, whatever is in it. */
  async plain(entry: WalkEntry): Promise<Written> {
    const written = await this.#large(entry, true)
    invariant(written !== 'database', 'nothing is taken for a database')
    return written
  }

  /** `anyway`: also what begins like a database. */
  async #large(entry: WalkEntry, anyway: boolean): Promise<Written | 'database'> {
    try {
      const { file, stat } = await openSource(this.#deps.parts.disk, entry)
      try {
        const isDatabase = readHeader(await startOf(file)) !== undefined
        if (isDatabase && !anyway) return 'database'
        const { remembered, ...written } = await this.#writeRegions(file, { stat, path: nameText(entry.path) })
        const changed = hasChanged(entry.stat, stat) || hasChanged(stat, await file.stat())
        return { ...written, changed, ...(isDatabase || remembered === undefined ? {} : { remembered }) }
      } finally {
        await file.close()
      }
    } catch (error) {
      // Only the source may fail softly: what the engine itself throws, or the system about our own files, ends the backup.
      if (error instanceof PlexiError || this.#deps.signal.aborted || !isSourceError(error)) throw error
      return { error: reasonOf(error) }
    }
  }

  async stream(fill: Fill): Promise<{ content: Content; size: number }> {
    const builder = new ContentBuilder(this.#deps.store)
    const size = await this.#writeData(builder, fill)
    return { content: await builder.finish(), size }
  }

  /** Data to the end of the file; holes as what they are. */
  async #writeRegions(
    file: DiskFile,
    { stat, path }: { stat: DiskStat; path: string },
  ): Promise<Omit<WrittenContent, 'changed'>> {
    const { store, counters, progress } = this.#deps
    const builder = new ContentBuilder(store)
    let size = 0
    for await (const { hole, from, to } of regionsOf(file, stat)) {
      if (hole) {
        await builder.push({ chunk: null, from: 0, length: to - from })
        counters.bytesDone += to - from
        size += to - from
        progress()
      } else {
        const fill = fillRange(file, from, isSparse(stat) ? to : Infinity)
        const watched = maybeExport(path) ? this.#deps.exports.watch(path, fill) : undefined
        size += await this.#writeData(builder, watched?.fill ?? fill)
        watched?.done()
      }
    }
    const content = await builder.finish()
    return { content, remembered: builder.remembered(content), size }
  }

  /** Block after block: while one is cut and packed the next one is read. What a block leaves over begins the next. */
  async #writeData(builder: ContentBuilder, fill: Fill): Promise<number> {
    const { slabs, signal, parts } = this.#deps
    const { chunk, readBlockBytes } = parts.options
    const storing: Promise<void>[] = []
    let rest: Uint8Array = Buffer.alloc(0)
    let size = 0
    const read = (): Promise<Block> => {
      const reading = readBlock(slabs, guarded(fill), { from: chunk.maxBytes, bytes: readBlockBytes })
      reading.catch(() => undefined)
      return reading
    }
    let reading: Promise<Block> | undefined = read()
    try {
      for (;;) {
        const { slab, count }: Block = await reading
        const last: boolean = count < readBlockBytes
        reading = undefined
        if (!last) reading = read()
        copyInto(slab, chunk.maxBytes - rest.length, rest)
        const block = slab.subarray(chunk.maxBytes - rest.length, chunk.maxBytes + count)
        const cut = await this.#cut({ slab, block, last }, builder)
        storing.push(cut.stored)
        size += cut.used
        rest = cut.rest
        signal.throwIfAborted()
        if (reading === undefined) break
      }
      await Promise.all(storing)
      return size
    } finally {
      const unused = await reading?.catch(() => undefined)
      if (unused !== undefined) slabs.give(unused.slab)
      await Promise.allSettled(storing)
    }
  }

  /** `rest`: a copy of what the block leaves over, as its slab may be given on at any moment. */
  async #cut(
    { slab, block, last }: { slab: Uint8Array; block: Uint8Array; last: boolean },
    builder: ContentBuilder,
  ): Promise<{ used: number; rest: Uint8Array; stored: Promise<void> }> {
    const { parts, store, slabs, counters, progress } = this.#deps
    let stored: Promise<void> = Promise.resolve()
    try {
      const pieces = await parts.kernel.run('cut', { bytes: block, last })
      stored = store.putPieces(block, pieces)
      const used = await pushExtents(pieces, builder)
      counters.bytesDone += used
      progress()
      return { used, rest: copyOf(block.subarray(used)), stored }
    } finally {
      const free = (): void => {
        slabs.give(slab)
      }
      stored.then(free, free)
    }
  }
}

async function startOf(file: DiskFile): Promise<Uint8Array> {
  const start = Buffer.alloc(HEADER_BYTES)
  return start.subarray(0, await file.read(start, 0))
}

interface Block {
  readonly slab: Uint8Array
  /** Bytes read, after the room for what the block before left over. */
  readonly count: number
}

/** Reads until the block is full or the input ends. */
async function readBlock(
  slabs: SlabPool,
  fill: Fill,
  { from, bytes }: { from: number; bytes: number },
): Promise<Block> {
  const slab = await slabs.take()
  try {
    let at = 0
    while (at < bytes) {
      const count = await fill(slab.subarray(from + at, from + bytes))
      if (count === 0) break
      at += count
    }
    return { slab, count: at }
  } catch (error) {
    slabs.give(slab)
    throw error
  }
}

/** Bytes of a file from `from` up to `to` or its end. */
function fillRange(file: DiskFile, from: number, to: number): Fill {
  let at = from
  return async (into) => {
    const count = at >= to ? 0 : await file.read(into.subarray(0, Math.min(into.length, to - at)), at)
    at += count
    return count
  }
}

const fromSource = new WeakSet()

/** Marks errors of reading the source, to tell them from errors of storing. */
function guarded(fill: Fill): Fill {
  return async (into) => {
    try {
      return await fill(into)
    } catch (error) {
      if (error instanceof Error) fromSource.add(error)
      throw error
    }
  }
}

/** Opening the source fails with the path in it; reading is marked. */
function isSourceError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { syscall, code } = error as NodeJS.ErrnoException
  return fromSource.has(error) || syscall === 'open' || code === 'ENXIO'
}

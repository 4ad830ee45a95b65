/**
 * Small files by the batch: one job of a thread opens, reads, cuts and names as many as fit a slab.
 * Invariant: a file that was added is answered once its batch was sent, whatever happens to the others.
 */
import { nameText } from '../sources/excludes.ts'
import { maybeExport } from '../sources/exports/recognise.ts'
import type { WalkEntry } from '../sources/walk.ts'
import { fileState, type Pieces, type ReadJob, type ReadResult } from '../kernel/jobs.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import { ContentBuilder } from '../tree/list-builder.ts'
import type { Content } from '../tree/node.ts'
import type { ContentDeps } from './content-deps.ts'
import { extentOf, pushExtents } from './extents.ts'
import type { Written } from './written.ts'

/** `database`: it begins like one; it was not stored. */
export type SmallWritten = Written | 'database'

/** Files of a job: enough to make its cost not matter, few enough that all threads have some. */
const MAX_FILES = 256
const EMPTY: Content = { depth: 0, extents: [] }

interface Added {
  readonly entry: WalkEntry
  readonly resolve: (written: SmallWritten) => void
  readonly reject: (error: unknown) => void
}

export class SmallFiles {
  readonly #deps: ContentDeps
  #added: Added[] = []
  #bytes = 0

  constructor(deps: ContentDeps) {
    this.#deps = deps
  }

  add(entry: WalkEntry): Promise<SmallWritten> {
    const { size } = entry.stat
    if (size === 0) return Promise.resolve({ content: EMPTY, remembered: EMPTY, size: 0, changed: false })
    if (this.#added.length >= MAX_FILES || this.#bytes + size > this.#deps.parts.options.readBlockBytes) this.send()
    this.#bytes += size
    return new Promise((resolve, reject) => this.#added.push({ entry, resolve, reject }))
  }

  /** What was added since is read now. */
  send(): void {
    const added = this.#added
    this.#added = []
    this.#bytes = 0
    if (added.length === 0) return
    this.#read(added).catch((error: unknown) => {
      for (const { reject } of added) reject(error)
    })
  }

  async #read(added: readonly Added[]): Promise<void> {
    const { slabs, parts, store, counters, progress } = this.#deps
    const slab = await slabs.take()
    let stored = Promise.resolve()
    try {
      const result = await parts.kernel.run('read', jobOf(slab, added))
      stored = store.putPieces(slab, result)
      stored.catch(() => undefined)
      const written = await this.#written(result)
      this.#look(added, slab, result)
      await stored
      for (const [i, { resolve }] of added.entries()) {
        counters.bytesDone += result.sizes[i] as number
        resolve(written[i] as SmallWritten)
      }
      progress()
    } finally {
      // Also where this failed, packers read the slab to the end of their job.
      const free = (): void => {
        slabs.give(slab)
      }
      stored.then(free, free)
    }
  }

  /** Exports among them are counted while their bytes are at hand. */
  #look(added: readonly Added[], slab: Uint8Array, { states, sizes }: ReadResult): void {
    let at = 0
    for (const [i, { entry }] of added.entries()) {
      const size = sizes[i] as number
      if (states[i] !== fileState.failed && maybeExport(nameText(entry.name)))
        this.#deps.exports.look(nameText(entry.path), slab.subarray(at, at + size))
      at += size
    }
  }

  async #written(result: ReadResult): Promise<SmallWritten[]> {
    const written: SmallWritten[] = []
    let piece = 0
    for (const [file, state] of result.states.entries()) {
      const count = result.pieces[file] as number
      const pieces = slice(result, piece, piece + count)
      piece += count
      if (state === fileState.failed) written.push({ error: result.reasons[file] ?? 'it cannot be read' })
      else if (state === fileState.database) written.push('database')
      else {
        const content = await this.#contentOf(pieces)
        const size = result.sizes[file] as number
        const found = result.xattrs[file]
        const xattrs = found === null ? {} : { xattrs: found ?? [] }
        written.push({ content, remembered: content, size, changed: state === fileState.changed, ...xattrs })
      }
    }
    return written
  }

  async #contentOf(pieces: Pieces): Promise<Content> {
    // Most small files are one piece, and there are very many of them.
    if (pieces.lengths.length === 1) return { depth: 0, extents: [extentOf(pieces, 0)] }
    const builder = new ContentBuilder(this.#deps.store)
    await pushExtents(pieces, builder)
    return builder.finish()
  }
}

function slice({ ids, lengths }: Pieces, from: number, to: number): Pieces {
  return { ids: ids.subarray(from * ID_BYTES, to * ID_BYTES), lengths: lengths.subarray(from, to) }
}

function jobOf(slab: Uint8Array, added: readonly Added[]): ReadJob {
  const paths = new Uint8Array(added.reduce((sum, { entry }) => sum + entry.path.length, 0))
  const pathEnds = new Uint32Array(added.length)
  let end = 0
  for (const [i, { entry }] of added.entries()) {
    paths.set(entry.path, end)
    end += entry.path.length
    pathEnds[i] = end
  }
  return {
    slab,
    paths,
    pathEnds,
    sizes: Float64Array.from(added, ({ entry }) => entry.stat.size),
    mtimes: BigInt64Array.from(added, ({ entry }) => entry.stat.mtimeNs),
    inodes: BigInt64Array.from(added, ({ entry }) => BigInt.asIntN(64, entry.stat.inode)),
  }
}

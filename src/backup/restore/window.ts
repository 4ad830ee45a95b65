/**
 * A window of files to restore: which pieces come from which shard. Each shard is fetched once per window, in the order
 * of the catalogue, several at once, and poured by a thread. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariant: memory is bounded by the window, the one before it, and the fetches in flight.
 */
import { toHex, view } from '../../base/bytes.ts'
import { isPlexiError, PlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import type { ChunkId } from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import { inSlab, withSlab } from '../kernel/shard-slabs.ts'
import type { Parts } from '../parts.ts'
import type { ChunkReader, Locate } from '../read/chunk-reader.ts'
import type { ShardReader } from '../read/shard-reader.ts'
import type { Extent } from '../tree/node.ts'
import { xattrBytes } from './attributes.ts'
import { PieceTable } from './pieces.ts'
import type { Look, LooseChunk, PourFile, PourJob, PourResult } from './pour-job.ts'

/** A file that is to be written. */
export interface RestoreFile {
  readonly path: Buffer
  readonly staged: string
  readonly size: number
  readonly look: Look
  /** All its pieces are planned. */
  planned: boolean
  /** Batches that bring parts of it: all of them, and those that have yet to come. */
  batches: number
  waiting: number
  failed: boolean
}

interface Batch {
  readonly row: ShardRow | undefined
  readonly pieces: PieceTable
  readonly files: RestoreFile[]
  readonly loose: Map<string, LooseChunk>
}

export interface WindowDeps {
  readonly parts: Pick<Parts, 'kernel' | 'options' | 'inline'>
  readonly chunks: ChunkReader
  readonly shards: ShardReader
  readonly signal: AbortSignal
  readonly verify: boolean
  readonly done: (file: RestoreFile) => void
  readonly fail: (file: RestoreFile, error: unknown) => void
  readonly poured: (result: PourResult) => void
}

/** What one file or piece in a window may take in memory, about. */
const BYTES_PER_PLACE = 256
/** What is remembered of every file besides its path and attributes takes about a KiB. */
const PLACES_PER_FILE = 4
/** Files without any piece are made so many at once. */
const FILES_PER_JOB = 500

export class RestoreWindow {
  readonly #deps: WindowDeps
  #batches = new Map<number, Batch>()
  #locate: Locate
  /** Everything of them is there but their look and their name. */
  #ends: RestoreFile[] = []
  #size = 0

  constructor(deps: WindowDeps) {
    this.#deps = deps
    this.#locate = deps.chunks.streamLocator()
  }

  /** Files and pieces in it; files of which much has to be remembered count more. */
  get size(): number {
    return this.#size
  }

  /** Plans one extent of a file. Throws `STORAGE_NOT_FOUND` for a chunk nobody knows. */
  add(file: RestoreFile, { chunk, from, length }: Extent, at: number): void {
    if (chunk === null) return
    const row = this.#locate(chunk)
    const batch = this.#batchOf(row)
    if (row === undefined) this.#addLoose(batch, chunk)
    if (batch.files.at(-1) !== file) {
      batch.files.push(file)
      file.batches++
      file.waiting++
    }
    batch.pieces.add({ chunk, file: batch.files.length - 1, from, length, at })
    this.#size++
  }

  /** All pieces of the file have been added, to this window or those before. */
  planned(file: RestoreFile): void {
    file.planned = true
    this.#size += PLACES_PER_FILE + Math.floor(bytesOf(file) / BYTES_PER_PLACE)
    if (file.waiting === 0 && !file.failed) this.#ends.push(file)
  }

  /** Empties the window at once, and resolves when everything of it is in its place. */
  async run(): Promise<void> {
    const batches = [...this.#batches.values()].sort((a, b) => (a.row?.no ?? 0) - (b.row?.no ?? 0))
    const ends = this.#ends
    this.#batches = new Map()
    this.#locate = this.#deps.chunks.streamLocator()
    this.#ends = []
    this.#size = 0
    const inFlight = this.#deps.parts.options.fetchesInFlight
    await mapBounded(batches, inFlight, (batch) => this.#pour(batch))
    const rest = Array.from({ length: Math.ceil(ends.length / FILES_PER_JOB) }, (_, i) =>
      ends.slice(i * FILES_PER_JOB, (i + 1) * FILES_PER_JOB),
    )
    await mapBounded(rest, inFlight, (files) => this.#finish(files))
  }

  async #pour(batch: Batch): Promise<void> {
    const { signal } = this.#deps
    signal.throwIfAborted()
    if (batch.files.every((file) => file.failed)) return
    // Now, not at the end: a file is worth something, and counted, once it has its name.
    const whole = await this.#pourPieces(batch)
    if (whole.length > 0) await this.#finish(whole)
  }

  /** Files that this was the last batch of, and that have yet to be finished. */
  async #pourPieces(batch: Batch): Promise<RestoreFile[]> {
    const { signal } = this.#deps
    try {
      const { files, pieces, loose, row } = batch
      const sent = files.map(pourFile)
      const job = { files: sent, pieces: pieces.packed(), loose: [...loose.values()] }
      const result = await this.#pourShard(row, { ...job, verify: this.#deps.verify })
      return this.#settle({ files, sent }, result)
    } catch (error) {
      signal.throwIfAborted()
      if (isPlexiError(error, 'STORAGE_DISK_FULL')) throw error
      for (const file of batch.files) this.#deps.fail(file, error)
      return []
    }
  }

  /** Bytes that turn out not to be the shard are got again, checked and from whoever else can help. */
  async #pourShard(row: ShardRow | undefined, job: PourJob): Promise<PourResult> {
    const { shards, signal, parts } = this.#deps
    if (row === undefined) return parts.kernel.run('pour', job)
    try {
      const result = await withSlab(async (slab) => {
        const bytes = await shards.unchecked(row, slab, signal)
        return bytes === undefined ? undefined : this.#pourBytes(bytes, row, job)
      })
      if (result !== undefined) return result
    } catch (error) {
      if (!isPlexiError(error, 'STORAGE_SHARD_CORRUPT')) throw error
    }
    return this.#pourBytes(await shards.bytes(row, signal), row, job)
  }

  #pourBytes(sealed: Uint8Array, { id }: ShardRow, job: PourJob): Promise<PourResult> {
    return inSlab(sealed, (bytes) => this.#deps.parts.kernel.run('pour', { ...job, shard: { bytes, id } }))
  }

  async #finish(files: readonly RestoreFile[]): Promise<void> {
    const { parts, signal, verify } = this.#deps
    signal.throwIfAborted()
    const pieces = new PieceTable().packed()
    const whole = files.filter((file) => !file.failed)
    const job = { files: whole.map((file) => ({ ...pourFile(file), end: endOf(file) })), pieces, verify }
    const result = await parts.kernel.run('pour', job)
    for (const { file, ...error } of result.failed) this.#failOne(whole[file], error)
    for (const file of whole) if (!file.failed) this.#deps.done(file)
    this.#deps.poured(result)
  }

  /** Files that are whole now, but for their look and their name. */
  #settle(
    { files, sent }: { files: readonly RestoreFile[]; sent: readonly PourFile[] },
    result: PourResult,
  ): RestoreFile[] {
    const whole: RestoreFile[] = []
    for (const { file, ...error } of result.failed) this.#failOne(files[file], error)
    for (const [i, file] of files.entries()) {
      file.waiting--
      if (file.failed || !file.planned || file.waiting > 0) continue
      if (sent[i]?.end !== undefined) this.#deps.done(file)
      else whole.push(file)
    }
    this.#deps.poured(result)
    return whole
  }

  #failOne(
    file: RestoreFile | undefined,
    { code, message, details }: Omit<PourResult['failed'][number], 'file'>,
  ): void {
    if (file !== undefined) this.#deps.fail(file, new PlexiError(code, details, { message }))
  }

  #addLoose({ loose }: Batch, id: ChunkId): void {
    const key = view(id).toString('latin1')
    if (loose.has(key)) return
    const bytes = this.#deps.parts.inline.read(id)
    if (bytes === undefined) throw new PlexiError('STORAGE_NOT_FOUND', { what: `chunk ${toHex(id)}` })
    loose.set(key, { id: Uint8Array.from(id), bytes: Uint8Array.from(bytes) })
  }

  #batchOf(row: ShardRow | undefined): Batch {
    const no = row?.no ?? 0
    const known = this.#batches.get(no)
    if (known !== undefined) return known
    const batch = { row, pieces: new PieceTable(), files: [], loose: new Map<string, LooseChunk>() }
    this.#batches.set(no, batch)
    return batch
  }
}

function bytesOf({ path, look }: RestoreFile): number {
  return path.length + xattrBytes(look.xattrs)
}

function pourFile(file: RestoreFile): PourFile {
  const common = { staged: file.staged, shared: !isWhole(file) }
  return isWhole(file) && !file.failed ? { ...common, end: endOf(file) } : common
}

/** One batch brings all of it. */
function isWhole({ planned, batches }: RestoreFile): boolean {
  return planned && batches <= 1
}

function endOf({ path, size, look }: RestoreFile): NonNullable<PourFile['end']> {
  return { path: path.toString('latin1'), size, look }
}

/**
 * A window of files to restore: which extents come from which shard. Each shard is fetched once per window, in the
 * order of the catalogue, several at once. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariant: memory is bounded by the window, the fetches in flight and a fixed number of writes.
 */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { mapBounded, Semaphore } from '../../base/queue.ts'
import type { ChunkId, OpenedShard } from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { ChunkReader } from '../read/chunk-reader.ts'
import type { ShardReader } from '../read/shard-reader.ts'
import type { Extent } from '../tree/node.ts'
import type { FileJob } from './staged-file.ts'

interface Piece {
  readonly job: FileJob
  readonly at: number
  readonly chunk: ChunkId
  readonly from: number
  readonly length: number
}

export interface WindowDeps {
  readonly chunks: ChunkReader
  readonly shards: ShardReader
  readonly fetchesInFlight: number
  readonly signal: AbortSignal
  /** Content of (part of) a file. */
  readonly write: (job: FileJob, bytes: Uint8Array, position: number) => Promise<void>
  readonly fail: (job: FileJob, error: unknown) => Promise<void>
}

const WRITES_AT_ONCE = 32

export class RestoreWindow {
  readonly #deps: WindowDeps
  readonly #byShard = new Map<number, { row: ShardRow; pieces: Piece[] }>()
  #riders: Piece[] = []
  #extents = 0

  constructor(deps: WindowDeps) {
    this.#deps = deps
  }

  get extents(): number {
    return this.#extents
  }

  /** Plans one extent of a file. Throws `STORAGE_NOT_FOUND` for a chunk nobody knows. */
  add(job: FileJob, extent: Extent, at: number): void {
    if (extent.chunk === null) return
    const piece = { job, at, chunk: extent.chunk, from: extent.from, length: extent.length }
    const row = this.#deps.chunks.locate(extent.chunk)
    this.#extents++
    if (row === undefined) this.#riders.push(piece)
    else {
      const planned = this.#byShard.get(row.no)
      if (planned === undefined) this.#byShard.set(row.no, { row, pieces: [piece] })
      else planned.pieces.push(piece)
    }
  }

  async run(): Promise<void> {
    const { signal, fetchesInFlight, chunks } = this.#deps
    for (const piece of this.#riders) await this.#piece(piece, () => chunks.read(piece.chunk, signal))
    const planned = [...this.#byShard.values()].sort((a, b) => a.row.no - b.row.no)
    const writes = new Semaphore(WRITES_AT_ONCE)
    await mapBounded(planned, fetchesInFlight, ({ row, pieces }) => this.#shard(row, pieces, writes))
    this.#byShard.clear()
    this.#riders = []
    this.#extents = 0
  }

  async #shard(row: ShardRow, pieces: readonly Piece[], writes: Semaphore): Promise<void> {
    const { shards, signal, fail, chunks } = this.#deps
    signal.throwIfAborted()
    let opened: OpenedShard
    try {
      opened = await shards.openOnce(row, signal)
    } catch (error) {
      signal.throwIfAborted()
      for (const { job } of pieces) await fail(job, error)
      return
    }
    const order = new Map(opened.chunks.map(({ id }, i) => [toHex(id), i]))
    const sorted = pieces.toSorted((a, b) => (order.get(toHex(a.chunk)) ?? 0) - (order.get(toHex(b.chunk)) ?? 0))
    const running = new Set<Promise<void>>()
    let last: { id: ChunkId; bytes: Uint8Array } | undefined
    for (const piece of sorted) {
      const read = (): Uint8Array => {
        if (last?.id === undefined || toHex(last.id) !== toHex(piece.chunk))
          last = { id: piece.chunk, bytes: chunks.fromShard(piece.chunk, opened) }
        return last.bytes
      }
      const work = writes.run(() => this.#piece(piece, read)).finally(() => running.delete(work))
      running.add(work)
      work.catch(() => undefined)
      if (running.size >= WRITES_AT_ONCE) await Promise.race(running)
    }
    await Promise.all(running)
  }

  async #piece(piece: Piece, read: () => Uint8Array | Promise<Uint8Array>): Promise<void> {
    const { job, at, from, length, chunk } = piece
    if (job.failed) return
    this.#deps.signal.throwIfAborted()
    try {
      const bytes = await read()
      if (from + length > bytes.length) throw new PlexiError('STORAGE_CHUNK_CORRUPT', { chunk: toHex(chunk) })
      await this.#deps.write(job, bytes.subarray(from, from + length), at)
    } catch (error) {
      this.#deps.signal.throwIfAborted()
      await this.#deps.fail(job, error)
    }
  }
}

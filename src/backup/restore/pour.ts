/**
 * One shard poured into files, on a thread: seal, chunk ids, then straight to its place. Spec:
 * docs/spec/04-snapshot-and-head.md § Restoring. Invariants: nothing is written that was not checked against its chunk
 * id; a file gets its name when all of it is there; memory is one plain shard, one frame and a bounded number of files.
 */
import { equal, toHex, view } from '../../base/bytes.ts'
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import { PlexiError } from '../../base/errors.ts'
import type { MacKey } from '../../crypto/hash.ts'
import { chunkIdOf, openShard, verifyShard, type ChunkId, type OpenedShard, type ShardId } from '../../shard/index.ts'
import { pieceAt, pieceCount, type PackedPieces, type Piece } from './pieces.ts'
import { threadSlabs } from './open-slabs.ts'
import type { PourJob, PourResult } from './pour-job.ts'
import { StagedFiles, type Run } from './staged-files.ts'

/** What opens a shard and names its chunks. */
export interface ShardKeys {
  readonly idMac: MacKey
  readonly epochKey: (epoch: number) => Uint8Array | undefined
}

export interface PourDeps extends ShardKeys {
  readonly disk: BlockingDisk
}

/** Plain bytes of the chunks a job brings, and the order in which they are had cheapest. */
interface Source {
  /** Negative: not of this shard. */
  order(id: ChunkId): number
  read(id: ChunkId): Uint8Array | undefined
}

/** Throws `STORAGE_SHARD_CORRUPT` for bytes that are not the shard, and what opening it throws; files fail one by one. */
export function pour(job: PourJob, deps: PourDeps): PourResult {
  const source = sourceOf(job, deps)
  const sorted = sortedPieces(job, source)
  const files = new StagedFiles(job, deps.disk)
  for (const { file } of sorted) files.expect(file)
  let run: Run | undefined
  let checked: { id: ChunkId; bytes: Uint8Array } | undefined
  try {
    for (const piece of sorted) {
      try {
        if (checked === undefined || !equal(checked.id, piece.chunk))
          checked = { id: piece.chunk, bytes: checkedChunk(piece.chunk, source, deps.idMac) }
        const bytes = cut(piece, checked.bytes)
        if (run !== undefined && joins(run, piece, bytes)) {
          run.bytes = joined(run.bytes, bytes)
          run.pieces++
        } else {
          if (run !== undefined) files.write(run)
          run = { file: piece.file, at: piece.at, bytes, pieces: 1 }
        }
      } catch (error) {
        // Now: with two frames inflated since, the next one would lie where its bytes do.
        if (run !== undefined) files.write(run)
        run = undefined
        files.fail(piece.file, error)
      }
    }
    if (run !== undefined) files.write(run)
    return files.finish()
  } finally {
    files.close()
  }
}

/**
 * The seal vouches for every byte of a shard, for less than its root costs; the chunks that are wanted of it, that it is the
 * right one. Where either fails, the root tells whether other bytes would do better.
 */
function sourceOf(job: PourJob, { epochKey }: PourDeps): Source {
  if (job.shard === undefined) return looseSource(job)
  const { bytes, id } = job.shard
  const isRight = (): boolean => verifyShard(bytes, id as ShardId)
  try {
    const source = openedSource(openShard(bytes, { epochKey, slabs: threadSlabs() }))
    if (hasAll(source, job.pieces) || isRight()) return source
  } catch (error) {
    if (isRight()) throw error
  }
  throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(id) })
}

function openedSource(opened: OpenedShard): Source {
  const order = new Map(opened.chunks.map((chunk, i) => [textOf(chunk.id), i]))
  return { order: (chunk) => order.get(textOf(chunk)) ?? -1, read: (chunk) => opened.read(chunk) }
}

function hasAll(source: Source, pieces: PackedPieces): boolean {
  for (let row = 0; row < pieceCount(pieces); row++) if (source.order(pieceAt(pieces, row).chunk) < 0) return false
  return true
}

function looseSource({ loose = [] }: PourJob): Source {
  const byId = new Map(loose.map(({ id, bytes }) => [textOf(id), bytes]))
  return { order: () => 0, read: (id) => byId.get(textOf(id)) }
}

/** In the order of the shard's frames, so that each is inflated once; then in the order of the files. */
function sortedPieces({ pieces }: PourJob, source: Source): Piece[] {
  const rows = Array.from({ length: pieceCount(pieces) }, (_, row) => pieceAt(pieces, row))
  const order = new Map(rows.map((piece) => [piece, source.order(piece.chunk)]))
  return rows.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0) || a.file - b.file || a.at - b.at)
}

function checkedChunk(id: ChunkId, source: Source, idMac: MacKey): Uint8Array {
  const bytes = source.read(id)
  if (bytes === undefined || !equal(chunkIdOf(idMac, bytes), id)) throw corrupt(id)
  return bytes
}

function cut({ chunk, from, length }: Piece, bytes: Uint8Array): Uint8Array {
  if (from + length > bytes.length) throw corrupt(chunk)
  return bytes.subarray(from, from + length)
}

/** Neighbours in the file that are neighbours in memory too are written at once. */
function joins(run: Run, { file, at }: Piece, bytes: Uint8Array): boolean {
  const end = run.bytes.byteOffset + run.bytes.length
  return (
    run.file === file &&
    run.at + run.bytes.length === at &&
    run.bytes.buffer === bytes.buffer &&
    end === bytes.byteOffset
  )
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  return new Uint8Array(first.buffer, first.byteOffset, first.length + second.length)
}

function textOf(id: Uint8Array): string {
  return view(id).toString('latin1')
}

function corrupt(id: ChunkId): PlexiError {
  return new PlexiError('STORAGE_CHUNK_CORRUPT', { chunk: toHex(id) })
}

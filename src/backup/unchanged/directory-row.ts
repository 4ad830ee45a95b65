/**
 * What a backup remembers of a directory: its files by what tells that they are unchanged, where their content is
 * stored, and, when there is nothing else to know about it, the stored directory as a whole. Local to this device, kept
 * in the catalogue, compressed and sealed; without it the next backup only reads the files again.
 * Invariant: columns belong together, or there is no row.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { MiB } from '../../base/bytes.ts'
import type { DiskStat } from '../../base/disk.ts'
import type { Random } from '../../base/random.ts'
import { decode, encode } from '../../crypto/codec.ts'
import { openBox, sealBox } from '../../crypto/seal.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { Fields, malformed } from '../codec/fields.ts'
import { limits } from '../options.ts'
import type { Names } from '../kernel/names.ts'
import { ID_BYTES } from '../kernel/namer.ts'
import type { Content, Extent } from '../tree/node.ts'

/** What a row may take; a directory that needs more is not remembered. */
export const MAX_ROW_BYTES = 16 * MiB
const LABEL = 'unchanged'
const WHAT = 'remembered directory'

/** One remembered file. */
export interface KnownFile {
  readonly name: Uint8Array
  readonly stat: Pick<DiskStat, 'size' | 'mtimeNs' | 'ctimeNs' | 'inode' | 'device'>
  readonly content: Content
}

/** The directory itself, where its entries say all about it. */
export interface KnownWhole {
  /** Of the listing and of all else that decides what is stored. */
  readonly digest: Uint8Array
  /** Its node objects, in their order. */
  readonly list: readonly ChunkId[]
  /** Lists of extents of its files. */
  readonly objects: readonly ChunkId[]
}

export interface DirectoryRow extends Names {
  readonly whole: KnownWhole | undefined
  /** A column each, by the number of the file; names ascend. */
  readonly sizes: Float64Array
  readonly mtimes: BigInt64Array
  readonly ctimes: BigInt64Array
  readonly inodes: BigUint64Array
  readonly devices: BigUint64Array
  /** Of the content of each. */
  readonly depths: Uint8Array
  /** Where the extents of each file end in the columns below. */
  readonly extentEnds: Uint32Array
  /** 32 bytes each; zeros: a hole. */
  readonly chunks: Uint8Array
  readonly lengths: Float64Array
}

/** `key`: 32 bytes. */
export function sealRow(row: DirectoryRow, key: Uint8Array, random: Random): Uint8Array | undefined {
  const { whole, ...columns } = row
  const plain = encode({
    whole:
      whole === undefined ? null : { digest: whole.digest, list: joined(whole.list), objects: joined(whole.objects) },
    ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, bytesOf(column)])),
  })
  if (plain.length > MAX_ROW_BYTES) return undefined
  return sealBox(key, { label: LABEL, plaintext: zstdCompressSync(plain), random })
}

/** Undefined for what is not a row of this device. */
export function openRow(box: Uint8Array, key: Uint8Array): DirectoryRow | undefined {
  try {
    const packed = openBox(key, { label: LABEL, box, what: WHAT })
    const plain = zstdDecompressSync(packed, { maxOutputLength: MAX_ROW_BYTES })
    return readRow(new Fields(decode(plain, { what: WHAT, maxBytes: MAX_ROW_BYTES }), WHAT))
  } catch {
    return undefined
  }
}

function readRow(f: Fields): DirectoryRow {
  const column = <C>(name: string, Column: new (buffer: ArrayBuffer) => C): C =>
    new Column(new Uint8Array(f.bytes(name, { max: MAX_ROW_BYTES })).buffer)
  const row: DirectoryRow = {
    whole: readWhole(f),
    names: column('names', Uint8Array),
    ends: column('ends', Uint32Array),
    sizes: column('sizes', Float64Array),
    mtimes: column('mtimes', BigInt64Array),
    ctimes: column('ctimes', BigInt64Array),
    inodes: column('inodes', BigUint64Array),
    devices: column('devices', BigUint64Array),
    depths: column('depths', Uint8Array),
    extentEnds: column('extentEnds', Uint32Array),
    chunks: column('chunks', Uint8Array),
    lengths: column('lengths', Float64Array),
  }
  f.end()
  if (!isSound(row)) throw malformed(WHAT, 'columns')
  return row
}

function readWhole(f: Fields): KnownWhole | undefined {
  const plain = f.plain('whole')
  if (plain === null) return undefined
  const w = new Fields(plain, WHAT)
  const ids = (name: string): ChunkId[] => split(w.bytes(name, { max: MAX_ROW_BYTES }))
  const whole = { digest: w.bytes('digest', { length: 32 }), list: ids('list'), objects: ids('objects') }
  w.end()
  return whole
}

function isSound({ names, ends, extentEnds, chunks, lengths, ...columns }: DirectoryRow): boolean {
  const { sizes, mtimes, ctimes, inodes, devices, depths } = columns
  const files = ends.length
  const ascending = (list: Uint32Array, last: number): boolean =>
    (list.at(-1) ?? 0) === last && list.every((end, i) => end >= (list[i - 1] ?? 0))
  return (
    [sizes, mtimes, ctimes, inodes, devices, depths, extentEnds].every((column) => column.length === files) &&
    depths.every((depth) => depth <= limits.listDepth) &&
    chunks.length === lengths.length * ID_BYTES &&
    ascending(ends, names.length) &&
    ascending(extentEnds, lengths.length)
  )
}

/** Files in ascending order of their names. */
export function makeRow(files: readonly KnownFile[], whole: KnownWhole | undefined): DirectoryRow {
  const extents = files.flatMap((file) => file.content.extents)
  const chunks = new Uint8Array(extents.length * ID_BYTES)
  for (const [i, { chunk }] of extents.entries()) if (chunk !== null) chunks.set(chunk, i * ID_BYTES)
  let end = 0
  let extentEnd = 0
  return {
    whole,
    names: Buffer.concat(files.map(({ name }) => name)),
    ends: Uint32Array.from(files, ({ name }) => (end += name.length)),
    sizes: Float64Array.from(files, ({ stat }) => stat.size),
    mtimes: BigInt64Array.from(files, ({ stat }) => stat.mtimeNs),
    ctimes: BigInt64Array.from(files, ({ stat }) => stat.ctimeNs),
    inodes: BigUint64Array.from(files, ({ stat }) => stat.inode),
    devices: BigUint64Array.from(files, ({ stat }) => stat.device),
    depths: Uint8Array.from(files, ({ content }) => content.depth),
    extentEnds: Uint32Array.from(files, ({ content }) => (extentEnd += content.extents.length)),
    chunks,
    lengths: Float64Array.from(extents, ({ length }) => length),
  }
}

/** The content of file number `i`. */
export function contentOf({ depths, extentEnds, chunks, lengths }: DirectoryRow, i: number): Content {
  const extents: Extent[] = []
  for (let at = i === 0 ? 0 : (extentEnds[i - 1] as number); at < (extentEnds[i] as number); at++)
    extents.push({ chunk: chunkAt(chunks, at), from: 0, length: lengths[at] as number })
  return { depth: depths[i] as number, extents }
}

/** Null: a hole. */
export function chunkAt(chunks: Uint8Array, i: number): ChunkId | null {
  const id = chunks.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)
  return id.every((byte) => byte === 0) ? null : chunkId(id)
}

function joined(ids: readonly ChunkId[]): Uint8Array {
  return Buffer.concat(ids)
}

function split(ids: Uint8Array): ChunkId[] {
  if (ids.length % ID_BYTES !== 0) throw malformed(WHAT, 'ids')
  return Array.from({ length: ids.length / ID_BYTES }, (_, i) => chunkId(ids.slice(i * ID_BYTES, (i + 1) * ID_BYTES)))
}

function bytesOf(column: ArrayBufferView): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

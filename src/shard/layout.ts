/**
 * The plaintext inside a shard: kind, frame table, entry table, stored frames, zeros. Spec: docs/spec/02-shard.md § Plaintext.
 * Invariant: for one list of frames and chunks there is exactly one plaintext, and the decoder accepts no other.
 */
import { PlexiError } from '../base/errors.ts'
import { view } from '../base/bytes.ts'
import type { Codec, StoredFrame } from './frame.ts'
import type { ChunkId } from './ids.ts'
import {
  ENTRY_ROW_BYTES,
  FRAME_ROW_BYTES,
  MAX_CHUNK_BYTES,
  MAX_ENTRIES,
  MAX_FRAMES,
  MAX_FRAME_BYTES,
  PLAIN_HEAD_BYTES,
  SHARD_PLAIN_BYTES,
} from './options.ts'

/** 1 data, 2 metadata, 3 both. */
export type ShardKind = 1 | 2 | 3

/** Where a chunk lies: `offset` and `length` within the plain bytes of frame number `frame`. */
export interface ChunkEntry {
  readonly id: ChunkId
  readonly frame: number
  readonly offset: number
  readonly length: number
}

export interface ShardContent {
  readonly kind: ShardKind
  readonly frames: readonly StoredFrame[]
  /** In frame order; the entries of a frame cover it without gap or overlap. */
  readonly entries: readonly ChunkEntry[]
}

/** Bytes of plaintext that tables of this size take. */
export function tableBytes(frames: number, entries: number): number {
  return PLAIN_HEAD_BYTES + frames * FRAME_ROW_BYTES + entries * ENTRY_ROW_BYTES
}

/** Writes `content` into `plain` (SHARD_PLAIN_BYTES long, any content); returns the bytes used before the padding. */
export function encodePlain(content: ShardContent, plain: Uint8Array): number {
  const out = view(plain)
  out.writeUInt8(content.kind, 0)
  out.writeUInt16BE(content.frames.length, 1)
  out.writeUInt32BE(content.entries.length, 3)
  let row = PLAIN_HEAD_BYTES
  let at = tableBytes(content.frames.length, content.entries.length)
  for (const frame of content.frames) {
    out.writeUInt32BE(at, row)
    out.writeUInt32BE(frame.stored.length, row + 4)
    out.writeUInt32BE(frame.plainLength, row + 8)
    out.writeUInt8(frame.codec, row + 12)
    out.set(frame.stored, at)
    at += frame.stored.length
    row += FRAME_ROW_BYTES
  }
  for (const entry of content.entries) {
    out.set(entry.id, row)
    out.writeUInt16BE(entry.frame, row + 32)
    out.writeUInt32BE(entry.offset, row + 34)
    out.writeUInt32BE(entry.length, row + 38)
    row += ENTRY_ROW_BYTES
  }
  out.fill(0, at)
  return at
}

/** Strict inverse of `encodePlain`; frames are views into `plain`, not yet inflated. Throws `VALIDATION_DECODE`. */
export function decodePlain(plain: Uint8Array): ShardContent {
  const input = view(plain)
  const kind = input.readUInt8(0)
  const frameCount = input.readUInt16BE(1)
  const entryCount = input.readUInt32BE(3)
  check(kind >= 1 && kind <= 3, 'unknown kind')
  check(frameCount >= 1 && frameCount <= MAX_FRAMES, 'frame count out of range')
  check(entryCount >= frameCount && entryCount <= MAX_ENTRIES, 'entry count out of range')
  const tables = tableBytes(frameCount, entryCount)
  check(tables < SHARD_PLAIN_BYTES, 'tables longer than the shard')
  const { frames, end } = decodeFrames(input, frameCount, tables)
  check(isZero(input.subarray(end)), 'padding is not zero')
  const entries = decodeEntries(input.subarray(PLAIN_HEAD_BYTES + frameCount * FRAME_ROW_BYTES, tables), frames)
  return { kind: kind as ShardKind, frames, entries }
}

function decodeFrames(input: Buffer, count: number, tables: number): { frames: StoredFrame[]; end: number } {
  const frames: StoredFrame[] = []
  let end = tables
  for (let i = 0; i < count; i++) {
    const row = PLAIN_HEAD_BYTES + i * FRAME_ROW_BYTES
    const offset = input.readUInt32BE(row)
    const length = input.readUInt32BE(row + 4)
    const plainLength = input.readUInt32BE(row + 8)
    const codec = input.readUInt8(row + 12)
    check(offset === end, 'a frame does not follow the one before')
    check(length >= 1 && length <= SHARD_PLAIN_BYTES - end, 'a frame leaves the shard')
    check(plainLength >= 1 && plainLength <= MAX_FRAME_BYTES, 'plain length out of range')
    check(codec === 1 ? length < plainLength : codec === 0 && length === plainLength, 'codec and lengths disagree')
    end += length
    frames.push({ codec: codec as Codec, stored: input.subarray(offset, end), plainLength })
  }
  return { frames, end }
}

function decodeEntries(rows: Buffer, frames: readonly StoredFrame[]): ChunkEntry[] {
  const entries: ChunkEntry[] = []
  const seen = new Set<string>()
  let frame = 0
  let covered = 0
  for (let row = 0; row < rows.length; row += ENTRY_ROW_BYTES) {
    const entry = {
      // A copy: ids outlive the shard they were read from.
      id: Uint8Array.prototype.slice.call(rows, row, row + 32) as ChunkId,
      frame: rows.readUInt16BE(row + 32),
      offset: rows.readUInt32BE(row + 34),
      length: rows.readUInt32BE(row + 38),
    }
    if (covered === frames[frame]?.plainLength) {
      frame++
      covered = 0
    }
    check(entry.frame === frame && entry.offset === covered, 'entries do not cover their frames in order')
    check(entry.length >= 1 && entry.length <= MAX_CHUNK_BYTES, 'chunk length out of range')
    covered += entry.length
    check(covered <= (frames[frame]?.plainLength ?? 0), 'a chunk leaves its frame')
    seen.add(rows.toString('latin1', row, row + 32))
    entries.push(entry)
  }
  check(frame === frames.length - 1 && covered === frames[frame]?.plainLength, 'entries do not cover their frames')
  check(seen.size === entries.length, 'a chunk is listed twice')
  return entries
}

function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length)
    if (part.compare(ZEROS, 0, part.length) !== 0) return false
  }
  return true
}

const ZEROS = Buffer.alloc(65_536)

function check(condition: boolean, reason: string): void {
  if (!condition) throw new PlexiError('VALIDATION_DECODE', { what: 'shard', reason })
}

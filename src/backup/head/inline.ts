/**
 * Chunks that ride in the head: a zstd frame of a few chunks each. Spec: docs/spec/04-snapshot-and-head.md § Inline.
 * Invariant: a frame's entries add up to its plain length exactly; a frame never expands beyond its stated length.
 */
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompressSync } from 'node:zlib'
import { concat, MiB } from '../../base/bytes.ts'
import type { Plain } from '../../crypto/codec.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { asBytes, asTuple, asUint, Fields, malformed } from '../codec/fields.ts'

export interface InlineFrame {
  readonly entries: readonly { readonly id: ChunkId; readonly length: number }[]
  /** 0 raw, 1 zstd. */
  readonly codec: 0 | 1
  readonly bytes: Uint8Array
}

const MAX_PLAIN = 16 * MiB
const MAX_STORED = 256 * 1024
const MAX_ENTRIES = 8192
const compress = promisify(zstdCompress)

/** Undefined for more than a frame may unfold to, however small it would be. */
export async function makeFrame(
  chunks: readonly { id: ChunkId; bytes: Uint8Array }[],
): Promise<InlineFrame | undefined> {
  const length = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (length > MAX_PLAIN || chunks.length > MAX_ENTRIES) return undefined
  const plain = concat(...chunks.map((chunk) => chunk.bytes))
  const packed = await compress(plain)
  const entries = chunks.map((chunk) => ({ id: chunk.id, length: chunk.bytes.length }))
  return packed.length < plain.length ? { entries, codec: 1, bytes: packed } : { entries, codec: 0, bytes: plain }
}

/** The chunks of a frame, ids unchecked. Throws `VALIDATION_DECODE` when lengths do not fit. */
export function openFrame(frame: InlineFrame): { id: ChunkId; bytes: Uint8Array }[] {
  const length = frame.entries.reduce((sum, entry) => sum + entry.length, 0)
  const plain = frame.codec === 0 ? frame.bytes : expand(frame.bytes, length)
  if (plain.length !== length) throw malformed('inline frame', 'lengths do not fit')
  let at = 0
  return frame.entries.map(({ id, length: size }) => ({ id, bytes: plain.subarray(at, (at += size)) }))
}

export function framePlain(frame: InlineFrame): Plain {
  return {
    entries: frame.entries.map(({ id, length }) => [id, length]),
    codec: frame.codec,
    bytes: frame.bytes,
  }
}

export function readFrame(plain: Plain): InlineFrame {
  const f = new Fields(plain, 'inline frame')
  const entries = f.list('entries', MAX_ENTRIES).map((entry) => {
    const [id, length] = asTuple(entry, 'inline frame', 2)
    return {
      id: chunkId(asBytes(id, 'inline frame', { length: 32 })),
      length: asUint(length, 'inline frame', MAX_PLAIN),
    }
  })
  const codec = f.uint('codec', 1) === 1 ? 1 : 0
  const frame: InlineFrame = { entries, codec, bytes: f.bytes('bytes', { max: MAX_STORED }) }
  f.end()
  if (entries.reduce((sum, entry) => sum + entry.length, 0) > MAX_PLAIN) throw malformed('inline frame', 'too long')
  return frame
}

function expand(bytes: Uint8Array, length: number): Uint8Array {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, length) })
  } catch (error) {
    throw Object.assign(malformed('inline frame', 'zstd'), { cause: error })
  }
}

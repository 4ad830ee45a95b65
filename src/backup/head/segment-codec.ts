/**
 * Index segments and index roots. Spec: docs/spec/04-snapshot-and-head.md § Index.
 * Invariant: immutable; a segment says which chunks a shard holds and which shards a stripe has, never who holds them.
 */
import type { Plain } from '../../crypto/codec.ts'
import {
  chunkId,
  decodeStripe,
  encodeStripe,
  shardId,
  type ChunkId,
  type ShardId,
  type StripeRecord,
} from '../../shard/index.ts'
import { asBytes, Fields, malformed } from '../codec/fields.ts'
import { decodeObject, encodeObject } from '../codec/object.ts'
import { limits } from '../options.ts'

export const PREFIX_BYTES = 16

export interface SegmentShard {
  readonly id: ShardId
  /** First 16 bytes of each chunk id, one after the other. */
  readonly prefixes: Uint8Array
}

export interface IndexSegment {
  readonly shards: readonly SegmentShard[]
  readonly stripes: readonly StripeRecord[]
}

/** Segments too large for the head: the chunks that hold them and the stripes where those chunks lie. */
export interface IndexRoot {
  readonly stripes: readonly StripeRecord[]
  readonly chunks: readonly ChunkId[]
}

export function encodeSegment(segment: IndexSegment): Uint8Array {
  return encodeObject('PXix', {
    shards: segment.shards.map((shard) => ({ id: shard.id, chunks: shard.prefixes })),
    stripes: segment.stripes.map(encodeStripe),
  })
}

export function decodeSegment(bytes: Uint8Array): IndexSegment {
  const f = new Fields(decodeObject('PXix', bytes, limits.objectBytes), 'index segment')
  const segment = {
    shards: f.list('shards', limits.segmentShards).map(readShard),
    stripes: f.list('stripes', limits.segmentStripes).map(decodeStripe),
  }
  f.end()
  return segment
}

export function rootPlain(root: IndexRoot): Plain {
  return { stripes: root.stripes.map(encodeStripe), chunks: root.chunks }
}

export function readRoot(plain: Plain): IndexRoot {
  const f = new Fields(plain, 'index root')
  const root = {
    stripes: f.list('stripes', limits.segmentStripes).map(decodeStripe),
    chunks: f.list('chunks', limits.listItems).map((id) => chunkId(asBytes(id, 'index root', { length: 32 }))),
  }
  f.end()
  return root
}

/** Splits a list into segments of at most `maxBytes` each, in order; stripes come with the shards they hold. */
export function splitSegments(
  stripes: readonly { record: StripeRecord; shards: readonly SegmentShard[] }[],
  maxBytes: number,
): IndexSegment[] {
  const segments: { shards: SegmentShard[]; stripes: StripeRecord[] }[] = []
  let room = 0
  for (const { record, shards } of stripes) {
    const cost = 80 + record.ids.length * 36 + shards.reduce((sum, shard) => sum + shard.prefixes.length + 64, 0)
    if (segments.length === 0 || cost > room) {
      segments.push({ shards: [], stripes: [] })
      room = maxBytes
    }
    segments.at(-1)?.stripes.push(record)
    segments.at(-1)?.shards.push(...shards)
    room -= cost
  }
  return segments
}

function readShard(plain: Plain): SegmentShard {
  const f = new Fields(plain, 'index segment')
  const id = shardId(f.bytes('id', { length: 32 }))
  const prefixes = f.bytes('chunks', { max: limits.chunksPerShard * PREFIX_BYTES })
  f.end()
  if (prefixes.length % PREFIX_BYTES !== 0) throw malformed('index segment', 'chunks')
  return { id, prefixes }
}

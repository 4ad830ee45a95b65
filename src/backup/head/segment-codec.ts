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
import { PREFIX_BYTES } from '../catalogue/chunk-index.ts'
import { asBytes, Fields, malformed } from '../codec/fields.ts'
import { decodeObject, encodeObject } from '../codec/object.ts'
import { limits } from '../options.ts'

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
  const f = new Fields(decodeObject('PXix', bytes, limits.segmentBytes), 'index segment')
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

/**
 * Splits a list into segments of at most `maxBytes` each, in order, one shard being the least. A stripe whose shards do
 * not fit one segment is named in each that lists some of them.
 */
export function splitSegments(
  stripes: readonly { record: StripeRecord; shards: readonly SegmentShard[] }[],
  maxBytes: number,
): IndexSegment[] {
  const segments: { shards: SegmentShard[]; stripes: StripeRecord[] }[] = []
  let room = 0
  for (const { record, shards } of stripes) {
    const named = 80 + record.ids.length * 36
    for (const shard of shards) {
      const cost = shard.prefixes.length + 64
      let segment = segments.at(-1)
      const known = segment?.stripes.at(-1) === record
      if (segment === undefined || cost + (known ? 0 : named) > room) {
        segment = { shards: [], stripes: [] }
        segments.push(segment)
        room = maxBytes
      }
      if (segment.stripes.at(-1) !== record) {
        segment.stripes.push(record)
        room -= named
      }
      segment.shards.push(shard)
      room -= cost
    }
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

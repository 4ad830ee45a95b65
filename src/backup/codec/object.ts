/**
 * Typed metadata objects: 4 bytes that name the type, then canonical CBOR. Spec: docs/spec/04-snapshot-and-head.md §
 * Metadata objects. Invariant: an object is never read as another type than the one it was written as.
 */
import { concat, equal, utf8 } from '../../base/bytes.ts'
import { decode, encode, type Plain } from '../../crypto/codec.ts'
import { malformed } from './fields.ts'

/** `PXtn` tree nodes · `PXtl` list of chunk ids · `PXex` list of extents · `PXsn` snapshot · `PXsl` list of snapshots · `PXix` index segment. */
export type ObjectTag = 'PXtn' | 'PXtl' | 'PXex' | 'PXsn' | 'PXsl' | 'PXix'

const TAG_BYTES = 4

export function encodeObject(tag: ObjectTag, value: Plain): Uint8Array {
  return concat(utf8(tag), encode(value))
}

/** Throws `VALIDATION_DECODE` when the tag differs or the rest is not canonical; `VALIDATION_LIMIT` when too long. */
export function decodeObject(tag: ObjectTag, bytes: Uint8Array, maxBytes: number): Plain {
  if (!hasTag(tag, bytes)) throw malformed('metadata object', `not a ${tag}`)
  return decode(bytes.subarray(TAG_BYTES), { what: tag, maxBytes })
}

export function hasTag(tag: ObjectTag, bytes: Uint8Array): boolean {
  return bytes.length > TAG_BYTES && equal(bytes.subarray(0, TAG_BYTES), utf8(tag))
}

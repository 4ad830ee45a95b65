/**
 * The snapshot object and the list of older ones. Spec: docs/spec/04-snapshot-and-head.md § Snapshot.
 * Invariant: a snapshot carries a MAC under the vault's `id-mac` key, so that file content which merely looks like a
 * snapshot is never taken for one when shards are searched without a head.
 */
import { concat, equalSecret, fromHex, toHex, utf8 } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { decode, encode, type Plain } from '../../crypto/codec.ts'
import { hmac } from '../../crypto/hash.ts'
import { asBytes, asList, Fields, malformed } from '../codec/fields.ts'
import { decodeObject, encodeObject, hasTag } from '../codec/object.ts'
import { limits } from '../options.ts'
import { readNodeList, type NodeList } from '../tree/node.ts'

declare const brand: unique symbol
/** 16 random bytes in hex. */
export type SnapshotId = string & { readonly [brand]: 'SnapshotId' }

export interface SnapshotStats {
  readonly files: number
  readonly dirs: number
  /** Plain bytes of all files. */
  readonly bytes: number
  /** Entries that could not be read. */
  readonly skipped: number
}

export interface Snapshot {
  readonly id: SnapshotId
  /** ms since 1970 when the backup began. */
  readonly time: number
  /** Peer id text of the device that made it. */
  readonly device: string
  readonly name: string
  readonly tags: readonly string[]
  /** What was backed up: absolute paths as raw bytes, or the name of a stream. */
  readonly paths: readonly Uint8Array[]
  readonly tree: NodeList
  readonly stats: SnapshotStats
  readonly parent: SnapshotId | null
  /** Some entries could not be read. */
  readonly partial: boolean
  readonly note: string
}

const MAC_BYTES = 32
const TAG_BYTES = 4
const macDomain = utf8('plexichat/snapshot/1')

/** The stored form: `PXsn` ‖ MAC(32) ‖ canonical CBOR. */
export function encodeSnapshot(snapshot: Snapshot, idMac: Uint8Array): Uint8Array {
  const body = encode({
    v: 1,
    id: fromHex(snapshot.id),
    time: snapshot.time,
    device: snapshot.device,
    name: snapshot.name,
    tags: snapshot.tags,
    paths: snapshot.paths,
    tree: { list: snapshot.tree.chunks, depth: snapshot.tree.depth },
    stats: { ...snapshot.stats },
    parent: snapshot.parent === null ? null : fromHex(snapshot.parent),
    partial: snapshot.partial,
    note: snapshot.note,
  })
  return concat(utf8('PXsn'), hmac(idMac, concat(macDomain, body)), body)
}

/** Throws `VALIDATION_DECODE` on any other form, `SECURITY_SIGNATURE` when the MAC is not the vault's. */
export function decodeSnapshot(bytes: Uint8Array, idMac: Uint8Array): Snapshot {
  if (!hasTag('PXsn', bytes) || bytes.length < TAG_BYTES + MAC_BYTES) throw malformed('snapshot', 'no snapshot')
  const body = bytes.subarray(TAG_BYTES + MAC_BYTES)
  const mac = bytes.subarray(TAG_BYTES, TAG_BYTES + MAC_BYTES)
  if (!equalSecret(mac, hmac(idMac, concat(macDomain, body))))
    throw new PlexiError('SECURITY_SIGNATURE', { what: 'snapshot' })
  return readSnapshot(decode(body, { what: 'snapshot', maxBytes: limits.snapshotBytes }))
}

/** A list of stored snapshots, as kept for those too old for the head. */
export function encodeSnapshotList(stored: readonly Uint8Array[]): Uint8Array {
  return encodeObject('PXsl', stored)
}

export function decodeSnapshotList(bytes: Uint8Array): Uint8Array[] {
  const plain = asList(decodeObject('PXsl', bytes, limits.objectBytes), 'snapshot list', limits.listItems)
  return plain.map((item) => asBytes(item, 'snapshot list', { max: limits.snapshotBytes }))
}

function readSnapshot(plain: Plain): Snapshot {
  const f = new Fields(plain, 'snapshot')
  f.version(1)
  const parent = f.plain('parent')
  const snapshot: Snapshot = {
    id: readId(f.bytes('id', { length: 16 })),
    time: f.uint('time'),
    device: f.text('device', 128),
    name: f.text('name', 1024),
    tags: f.list('tags', limits.tags).map(readTag),
    paths: f.list('paths', limits.paths).map((path) => asBytes(path, 'snapshot.paths', { max: limits.linkBytes })),
    tree: readTree(f.plain('tree')),
    stats: readStats(f.plain('stats')),
    parent: parent === null ? null : readId(asBytes(parent, 'snapshot.parent', { length: 16 })),
    partial: f.flag('partial'),
    note: f.text('note', 4096),
  }
  f.end()
  return snapshot
}

function readId(bytes: Uint8Array): SnapshotId {
  return toHex(bytes) as SnapshotId
}

function readTag(tag: Plain): string {
  if (typeof tag !== 'string' || tag.length > 256) throw malformed('snapshot.tags', 'text expected')
  return tag
}

function readTree(plain: Plain): NodeList {
  const f = new Fields(plain, 'snapshot.tree')
  const list = readNodeList(f)
  f.end()
  return list
}

function readStats(plain: Plain): SnapshotStats {
  const f = new Fields(plain, 'snapshot.stats')
  const stats = { files: f.uint('files'), dirs: f.uint('dirs'), bytes: f.uint('bytes'), skipped: f.uint('skipped') }
  f.end()
  return stats
}

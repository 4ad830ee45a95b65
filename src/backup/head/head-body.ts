/**
 * The body of a head: everything a device needs to find its backups again. Spec: docs/spec/04-snapshot-and-head.md §
 * Head. Sealing, padding, signing and the notice are the shard room's. Invariant: canonical, strict, bounded.
 */
import { fromHex, toHex } from '../../base/bytes.ts'
import { decode, encode, type Plain } from '../../crypto/codec.ts'
import { vaultId, type PeerKey, type VaultId } from '../../crypto/ids.ts'
import { chunkId, type ChunkId, type PlacementGroup } from '../../shard/index.ts'
import { asBytes, Fields } from '../codec/fields.ts'
import { limits } from '../options.ts'
import type { SnapshotId } from '../snapshot/snapshot.ts'
import { groupPlain, readGroup } from './group-codec.ts'
import { framePlain, readFrame, type InlineFrame } from './inline.ts'
import { readRoot, rootPlain, type IndexRoot } from './segment-codec.ts'

/** A snapshot as the head names it, newest first. */
export interface HeadSnapshot {
  /** Chunk that holds the stored snapshot. */
  readonly chunk: ChunkId
  /** The stored snapshot itself where it is small. */
  readonly body: Uint8Array | null
  /** RFC 6962 root over the sorted ids of the shards it needs, and their number. */
  readonly shardsRoot: Uint8Array
  readonly shardCount: number
}

export interface HeadBody {
  readonly vault: VaultId
  readonly device: PeerKey
  readonly seq: number
  /** SHA-256 of the sealed head before. */
  readonly prev: Uint8Array | null
  /** ms since 1970. */
  readonly time: number
  readonly authority: { readonly version: number; readonly hash: Uint8Array }
  readonly groups: readonly PlacementGroup[]
  /** The newest 64. */
  readonly snapshots: readonly HeadSnapshot[]
  /** Chunks that hold `PXsl` lists of older ones. */
  readonly older: readonly ChunkId[]
  readonly roots: readonly IndexRoot[]
  /** Encoded index segments that ride along. */
  readonly segments: readonly Uint8Array[]
  readonly inline: readonly InlineFrame[]
  /** Snapshots that were forgotten. */
  readonly tombstones: readonly SnapshotId[]
}

export function encodeHeadBody(head: HeadBody): Uint8Array {
  return encode({
    v: 1,
    vault: head.vault,
    device: head.device,
    seq: head.seq,
    prev: head.prev,
    time: head.time,
    authority: { version: head.authority.version, hash: head.authority.hash },
    groups: head.groups.map(groupPlain),
    snapshots: head.snapshots.map((s) => ({ chunk: s.chunk, body: s.body, root: s.shardsRoot, count: s.shardCount })),
    older: head.older,
    roots: head.roots.map(rootPlain),
    segments: head.segments,
    inline: head.inline.map(framePlain),
    tombstones: head.tombstones.map((id) => fromHex(id)),
  })
}

export function decodeHeadBody(bytes: Uint8Array): HeadBody {
  const f = new Fields(decode(bytes, { what: 'head', maxBytes: limits.headBytes }), 'head')
  f.version(1)
  const prev = f.plain('prev')
  const head: HeadBody = {
    vault: vaultId(f.bytes('vault', { length: 32 })),
    device: f.peer('device'),
    seq: f.uint('seq'),
    prev: prev === null ? null : asBytes(prev, 'head.prev', { length: 32 }),
    time: f.uint('time'),
    authority: readAuthority(f.plain('authority')),
    groups: f.list('groups', limits.groups).map(readGroup),
    snapshots: f.list('snapshots', limits.snapshotsInHead).map(readHeadSnapshot),
    older: f.list('older', limits.olderRoots).map((id) => chunkId(asBytes(id, 'head.older', { length: 32 }))),
    roots: f.list('roots', limits.indexRoots).map(readRoot),
    segments: f
      .list('segments', limits.indexRoots)
      .map((s) => asBytes(s, 'head.segments', { max: limits.segmentBytes })),
    inline: f.list('inline', limits.inlineFrames).map(readFrame),
    tombstones: f
      .list('tombstones', limits.tombstones)
      .map((id) => toHex(asBytes(id, 'head.tombstones', { length: 16 })) as SnapshotId),
  }
  f.end()
  return head
}

function readAuthority(plain: Plain): HeadBody['authority'] {
  const f = new Fields(plain, 'head.authority')
  const authority = { version: f.uint('version'), hash: f.bytes('hash', { length: 32 }) }
  f.end()
  return authority
}

function readHeadSnapshot(plain: Plain): HeadSnapshot {
  const f = new Fields(plain, 'head.snapshots')
  const body = f.plain('body')
  const snapshot = {
    chunk: chunkId(f.bytes('chunk', { length: 32 })),
    body: body === null ? null : asBytes(body, 'head.snapshots', { max: limits.snapshotRiderBytes }),
    shardsRoot: f.bytes('root', { length: 32 }),
    shardCount: f.uint('count'),
  }
  f.end()
  return snapshot
}

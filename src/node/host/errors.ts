/** The refusals of the host store, by the code they carry over the wire. Spec: docs/spec/05-storage-protocol.md § Refusals */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { ShardId } from '../../shard/index.ts'

/** Which bound left no room; `freeBytes` is what it leaves. */
export type Shortage = 'offer' | 'vault' | 'disk' | 'paused' | 'vaults'

export function noRoom(reason: Shortage, freeBytes: number): PlexiError {
  return new PlexiError('STORAGE_QUOTA_EXCEEDED', { reason, freeBytes: Math.max(0, freeBytes) })
}

export function noShard(id: ShardId): PlexiError {
  return new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: toHex(id) })
}

export function staleHead(seq: number, newest: number): PlexiError {
  return new PlexiError('STORAGE_HEAD_STALE', { seq, newest })
}

export function forkedHead(seq: number): PlexiError {
  return new PlexiError('STORAGE_HEAD_FORKED', { seq })
}

export function busy(what: string): PlexiError {
  return new PlexiError('NETWORK_BUSY', { peer: what })
}

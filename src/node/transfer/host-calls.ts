/**
 * What the transfers ask of a host, free of streams and encodings (docs/spec/05-storage-protocol.md), and how its
 * failures are named. The implementation over libp2p is `wire-calls.ts`; tests may stand in for it.
 */
import { PlexiError, type ErrorCode } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { FoundHead, GroupHost, HeadBundle, HostFault, Receipt, ShardId, StripeRecord } from '../../shard/index.ts'

export interface HeldAnswer {
  readonly state: 'held' | 'missing' | 'released'
  readonly leaseUntil?: number
}

export interface HostCalls {
  /** Stores shard `index` of a stripe; resolves with the host's verified receipt. */
  put(
    host: GroupHost,
    shard: { stripe: StripeRecord; index: number; bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<Receipt>
  /** The shard, checked against its id. `STORAGE_SHARD_NOT_FOUND`, `STORAGE_SHARD_CORRUPT` … */
  get(host: GroupHost, id: ShardId, signal: AbortSignal): Promise<Uint8Array>
  has(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<HeldAnswer[]>
  release(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<void>
  putHead(
    host: GroupHost,
    head: { bundle: HeadBundle; records: readonly Uint8Array[] },
    signal: AbortSignal,
  ): Promise<void>
  getHeads(host: GroupHost, signal: AbortSignal): Promise<FoundHead[]>
}

const byCode: Partial<Record<ErrorCode, HostFault['why']>> = {
  NETWORK_UNREACHABLE: 'offline',
  NETWORK_TIMEOUT: 'timeout',
  NETWORK_BUSY: 'refused',
  NETWORK_VERSION: 'refused',
  STORAGE_QUOTA_EXCEEDED: 'full',
  STORAGE_DISK_FULL: 'full',
  STORAGE_SHARD_NOT_FOUND: 'missing',
  STORAGE_NOT_FOUND: 'missing',
  STORAGE_RELEASED: 'missing',
  STORAGE_SHARD_CORRUPT: 'corrupt',
}

/** A failed call as a fault that names the host. Refusals keep the host's code; anything malformed is `protocol`. */
export function faultOf(peer: PeerKey, error: unknown): HostFault {
  if (!(error instanceof PlexiError)) return { peer, why: 'protocol', detail: 'it broke off the exchange' }
  const refused = /^(AUTH|SECURITY_STAMP|STORAGE_HEAD|SECURITY_ROLLBACK)/.test(error.code)
  const why = byCode[error.code] ?? (refused ? 'refused' : 'protocol')
  return { peer, why, detail: `${error.code}: ${error.message}` }
}

/** Whether the same host may do better in a moment. */
export function worthRetrying(error: unknown): boolean {
  return error instanceof PlexiError && (error.code === 'NETWORK_UNREACHABLE' || error.code === 'NETWORK_BUSY')
}

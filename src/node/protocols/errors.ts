/**
 * Errors across the wire: a code of the one table and a few plain details, never a text. A host says nothing about
 * itself that is not in this list. Spec: docs/spec/05-storage-protocol.md § Refusals
 */
import { type ErrorCode, isPlexiError, PlexiError, toPlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { HostFault } from '../../shard/index.ts'

export type WireDetails = Readonly<Record<string, string | number>>

export interface WireError {
  readonly code: ErrorCode
  readonly details: WireDetails
}

/** Codes that may cross, the details that go with them, and what they mean for the one who asked. */
const wireErrors = {
  VALIDATION_DECODE: { details: ['what'], why: 'protocol' },
  VALIDATION_LIMIT: { details: ['what', 'limit'], why: 'protocol' },
  VALIDATION_VERSION: { details: ['what', 'version'], why: 'protocol' },
  AUTH_CERTIFICATE: { details: ['reason'], why: 'refused' },
  AUTH_REVOKED: { details: [], why: 'refused' },
  AUTH_GRANT_MISSING: { details: ['grant'], why: 'refused' },
  AUTH_FORBIDDEN: { details: ['reason'], why: 'refused' },
  SECURITY_SIGNATURE: { details: ['what'], why: 'refused' },
  SECURITY_ROLLBACK: { details: ['what', 'offered', 'known'], why: 'refused' },
  SECURITY_STAMP_REQUIRED: { details: [], why: 'refused' },
  SECURITY_INVITE: { details: ['reason'], why: 'refused' },
  SECURITY_DEVICE_CODE: { details: ['reason'], why: 'refused' },
  STORAGE_SHARD_NOT_FOUND: { details: ['shardId'], why: 'missing' },
  STORAGE_SHARD_CORRUPT: { details: ['shardId'], why: 'corrupt' },
  STORAGE_QUOTA_EXCEEDED: { details: ['reason', 'freeBytes'], why: 'full' },
  STORAGE_DISK_FULL: { details: [], why: 'full' },
  STORAGE_IO: { details: [], why: 'refused' },
  STORAGE_HEAD_STALE: { details: ['seq', 'newest'], why: 'refused' },
  STORAGE_HEAD_FORKED: { details: ['seq'], why: 'refused' },
  NETWORK_BUSY: { details: [], why: 'refused' },
  NETWORK_PROTOCOL: { details: [], why: 'protocol' },
  SYSTEM_TIMEOUT: { details: ['what', 'timeoutMs'], why: 'timeout' },
  SYSTEM_UNEXPECTED: { details: [], why: 'refused' },
} as const satisfies Partial<Record<ErrorCode, { details: readonly string[]; why: HostFault['why'] }>>

type WireCode = keyof typeof wireErrors

/** All codes a host may answer with. */
export const wireCodes: ReadonlySet<string> = new Set(Object.keys(wireErrors))
export const MAX_DETAIL_TEXT = 128

/** What of `error` may be told to a peer; anything not in the list becomes `SYSTEM_UNEXPECTED`. */
export function toWireError(error: unknown): WireError {
  const { code, details } = toPlexiError(error)
  if (!isWireCode(code)) return { code: 'SYSTEM_UNEXPECTED', details: {} }
  const told: Record<string, string | number> = {}
  for (const name of wireErrors[code].details) {
    const value = details[name]
    if (typeof value === 'string') told[name] = value.slice(0, MAX_DETAIL_TEXT)
    else if (typeof value === 'number' && Number.isSafeInteger(value)) told[name] = value
  }
  return { code, details: told }
}

/** A peer's refusal as an error of ours: same code, its known details, and who said it. */
export function fromWireError(error: { code: string; details: WireDetails }, peer: PeerKey): PlexiError {
  const { code } = error
  if (!isWireCode(code)) return new PlexiError('NETWORK_PROTOCOL', { peer, reason: 'an unknown error code' })
  const known: readonly string[] = wireErrors[code].details
  const details = Object.fromEntries(Object.entries(error.details).filter(([name]) => known.includes(name)))
  return new PlexiError(code, { reason: 'refused by the host', ...details, peer })
}

/** What a failed exchange says about the host. */
export function hostFault(peer: PeerKey, error: unknown): HostFault {
  const { code, details } = toPlexiError(error)
  const detail = code === 'STORAGE_QUOTA_EXCEEDED' ? `${code}: ${String(details['reason'])}` : code
  return { peer, why: faultOf(code), detail }
}

function faultOf(code: ErrorCode): HostFault['why'] {
  if (code === 'NETWORK_TIMEOUT') return 'timeout'
  if (code === 'NETWORK_UNREACHABLE') return 'offline'
  return isWireCode(code) ? wireErrors[code].why : 'protocol'
}

function isWireCode(code: string): code is WireCode {
  return wireCodes.has(code)
}

/** Whether trying the same host again later can help. */
export function isPassing(error: unknown): boolean {
  return ['NETWORK_BUSY', 'NETWORK_TIMEOUT', 'SYSTEM_TIMEOUT', 'NETWORK_UNREACHABLE'].some((code) =>
    isPlexiError(error, code as ErrorCode),
  )
}

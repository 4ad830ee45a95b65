/**
 * Forgetting snapshots: by name, or by what a policy keeps. Spec: docs/BACKUP_SYSTEM.md § Forgetting.
 * Invariants: nothing is freed here; never is all forgotten; one commit, so that a crash forgets all of it or nothing.
 */
import { fromHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { needGrant } from '../engine-keys.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { SnapshotFilter, SnapshotInfo } from '../requests.ts'
import { findSnapshot, listSnapshots } from '../snapshot/find.ts'
import { snapshotInfos } from '../snapshot/info.ts'
import { defaultGrouping, groupSnapshots, type GroupKey } from './groups.ts'
import { applyPolicy, isEmpty, type RetentionPolicy } from './policy.ts'

export interface ForgetRequest {
  /** Ids, prefixes or `latest`: these are forgotten, whatever they are. Not together with a policy. */
  readonly snapshots?: readonly string[]
  readonly policy?: RetentionPolicy
  /** Only these are looked at. */
  readonly filter?: SnapshotFilter
  readonly groupBy?: readonly GroupKey[]
  /** IANA name; days end there. */
  readonly timeZone?: string
  readonly dryRun?: boolean
}

export interface ForgetResult {
  readonly kept: readonly {
    readonly snapshot: SnapshotInfo
    readonly reasons: readonly string[]
    readonly group: string
  }[]
  readonly removed: readonly SnapshotInfo[]
}

/** Throws `AUTH_GRANT_MISSING`, `VALIDATION_USAGE`, `STORAGE_SNAPSHOT_NOT_FOUND`, `STORAGE_FORGET_ALL`, `STORAGE_FORGET_LIMIT`. */
export function forget(parts: Parts, request: ForgetRequest): ForgetResult {
  if (request.dryRun !== true) needGrant(parts.keys, 'release')
  const named = request.snapshots ?? []
  const result = named.length > 0 ? forgetNamed(parts, named, request) : forgetByPolicy(parts, request)
  if (request.dryRun !== true && result.removed.length > 0) bury(parts, result.removed)
  return result
}

function forgetNamed(parts: Parts, named: readonly string[], request: ForgetRequest): ForgetResult {
  if (request.policy !== undefined && !isEmpty(request.policy))
    throw new PlexiError('VALIDATION_USAGE', { reason: 'give either snapshots or --keep-*, not both' })
  const ids = new Set(named.map((ref) => findSnapshot(parts, ref, request.filter).snapshot.id as string))
  const all = snapshotInfos(parts, listSnapshots(parts))
  const removed = all.filter(({ id }) => ids.has(id))
  if (removed.length === all.length) throw new PlexiError('STORAGE_FORGET_ALL', { group: 'this vault' })
  const rest = all.filter(({ id }) => !ids.has(id))
  return { kept: rest.map((snapshot) => ({ snapshot, reasons: ['not named'], group: '' })), removed }
}

function forgetByPolicy(parts: Parts, request: ForgetRequest): ForgetResult {
  const { policy = {}, filter = {}, groupBy = defaultGrouping, timeZone = 'UTC' } = request
  if (isEmpty(policy))
    throw new PlexiError('VALIDATION_USAGE', {
      reason: 'nothing says what to keep: give --keep-last N or another --keep-* above 0, or name snapshots',
    })
  const now = parts.clock.now()
  const kept: ForgetResult['kept'][number][] = []
  const removed: SnapshotInfo[] = []
  for (const { label, snapshots } of groupSnapshots(snapshotInfos(parts, listSnapshots(parts, filter)), groupBy)) {
    const verdict = applyPolicy(snapshots, policy, { now, timeZone })
    if (verdict.kept.length === 0) throw new PlexiError('STORAGE_FORGET_ALL', { group: label || 'this vault' })
    kept.push(...verdict.kept.map((one) => ({ ...one, group: label })))
    removed.push(...verdict.removed)
  }
  return { kept, removed }
}

/** From here on they are hidden; other devices learn of it with the next head. */
function bury({ catalogue }: Parts, snapshots: readonly SnapshotInfo[]): void {
  catalogue.commit(() => {
    catalogue.retention.bury(snapshots.map(({ id }) => fromHex(id)))
    const count = catalogue.retention.tombstones().length
    if (count > limits.tombstones) throw new PlexiError('STORAGE_FORGET_LIMIT', { limit: limits.tombstones })
    catalogue.touch()
  })
}

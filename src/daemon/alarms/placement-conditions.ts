/** Which alarms hosts and this device's own history give cause for. */
import type { BackupEngine } from '../../backup/index.ts'
import type { People } from '../people.ts'
import type { PlacementLoop } from '../placement-loop.ts'
import type { Condition } from '../status/alarms.ts'
import { counted } from '../../base/text.ts'

export interface PlacementCauses {
  readonly engine: Pick<BackupEngine, 'status'>
  readonly people: Pick<People, 'eligible' | 'revokedBy'>
  readonly placement: Pick<PlacementLoop, 'last'>
  readonly heads: { readonly alarms: readonly Condition[] }
}

export function placementConditions({ engine, people, placement, heads }: PlacementCauses): Condition[] {
  const state = engine.status()
  const conditions: Condition[] = [...heads.alarms]
  if (people.revokedBy().length > 0) conditions.push({ code: 'AUTH_REVOKED' })
  if (state.forked) conditions.push({ code: 'STORAGE_HEAD_FORKED', details: { seq: state.headSeq } })
  // Only what was tried and failed: a backup that has just begun is no alarm.
  if (state.queued > 0 && (placement.last?.queued ?? 0) > 0) {
    const eligible = people.eligible().length
    const text = `waiting for hosts: ${counted(state.queued, 'part')} of your backups; ${eligible} can take them now`
    conditions.push({ code: 'STORAGE_TOO_FEW_HOSTS', text })
  }
  return conditions
}

/** Which alarms remotes give cause for. Drives come and go: one that is away is none. */
import type { BackupEngine } from '../../backup/index.ts'
import type { Condition } from '../status/alarms.ts'

export function remoteConditions({ engine }: { readonly engine: Pick<BackupEngine, 'remotes'> }): Condition[] {
  return engine.remotes.list().flatMap(({ path, state, reason }): Condition[] => {
    if (state === 'full') return [{ code: 'STORAGE_REMOTE_FULL', details: { path } }]
    if (state === 'foreign' || state === 'failed') return [{ code: 'STORAGE_REMOTE_ABSENT', details: { path, reason } }]
    return []
  })
}

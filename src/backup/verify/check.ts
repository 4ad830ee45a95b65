/**
 * One shard checked, on a thread: its bytes against its id, and what is inside against the ids of its chunks.
 * Spec: docs/BACKUP_SYSTEM.md § Verify.
 */
import { equal, toHex } from '../../base/bytes.ts'
import { toPlexiError } from '../../base/errors.ts'
import { chunkIdOf, openShard, verifyShard, type ShardId } from '../../shard/index.ts'
import type { ShardKeys } from '../restore/pour.ts'
import { threadSlabs } from '../restore/open-slabs.ts'
import type { CheckJob, CheckResult } from './check-job.ts'

/** Never throws: what is wrong is the result. */
export function checkShard({ shard, inside }: CheckJob, { idMac, epochKey }: ShardKeys): CheckResult {
  if (!verifyShard(shard.bytes, shard.id as ShardId))
    return { ok: false, stage: 'root', why: 'not the bytes of this shard' }
  if (!inside) return { ok: true }
  try {
    const opened = openShard(shard.bytes, { epochKey, slabs: threadSlabs() })
    for (const { id } of opened.chunks) {
      const bytes = opened.read(id)
      if (bytes === undefined || !equal(chunkIdOf(idMac, bytes), id))
        return { ok: false, stage: 'inside', why: `chunk ${toHex(id).slice(0, 12)} is not what its id says` }
    }
    return { ok: true }
  } catch (error) {
    return { ok: false, stage: 'inside', why: toPlexiError(error).message }
  }
}

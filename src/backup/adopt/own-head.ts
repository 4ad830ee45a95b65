/**
 * Meeting this device's own head on hosts. A newer one means that this disk was put back in time: its history is taken
 * over and goes on from there. A second time within a day stops backups. Spec: docs/spec/04-snapshot-and-head.md §
 * Publishing. Invariant: a seq that hosts have seen is never signed again.
 */
import { equal } from '../../base/bytes.ts'
import { readNumber, writeNumber } from '../catalogue/catalogue.ts'
import type { Parts } from '../parts.ts'
import type { Alarm, ValidHead } from './choose-heads.ts'

/** Meta keys. */
export const FORKED = 'forked'
const LAST_FORK = 'lastFork'

/** `known`: nothing to take over. */
export function meetOwnHead(
  { catalogue, keys, clock, options }: Parts,
  head: ValidHead,
  alarms: Alarm[],
): 'known' | 'new' {
  const { notice, signedNotice, sealed, body } = head
  if (notice.device !== keys.device) return 'new'
  const own = catalogue.heads.newest()
  if (own !== undefined && own.seq > notice.seq) return 'known'
  if (own?.seq === notice.seq && equal(own.sealedHash, notice.sealedHash)) return 'known'
  const now = clock.now()
  const before = readNumber(catalogue.heads.meta(LAST_FORK))
  const again = before !== 0 && Math.abs(now - before) < options.forkWindowMs
  catalogue.commit(() => {
    // The same seq with other bytes: the next head must go past both.
    const seq = own?.seq === notice.seq ? notice.seq + 1 : notice.seq
    const { sealedHash } = notice
    catalogue.heads.add({ seq, time: body.time, revision: -1, notice: signedNotice, sealed, sealedHash }, true)
    catalogue.heads.setMeta(LAST_FORK, writeNumber(now))
    if (again) catalogue.heads.setMeta(FORKED, writeNumber(now))
  })
  const text = again
    ? 'this device has forked twice within a day: backups wait for the recovery words'
    : 'hosts held a newer head of this very device: its history was taken over'
  alarms.push({ code: own?.seq === notice.seq ? 'STORAGE_HEAD_FORKED' : 'SECURITY_ROLLBACK', text, peer: keys.device })
  return 'new'
}

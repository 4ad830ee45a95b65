/**
 * Meeting this device's own head on hosts. One that is not in the chain of heads made here means that this disk was put
 * back in time, or is a copy: that history is taken over and goes on from there. A second time within a day stops
 * backups. Spec: docs/spec/04-snapshot-and-head.md § Meeting an own head.
 * Invariant: a seq that hosts have seen is never signed again, whatever was signed here meanwhile.
 */
import { equal } from '../../base/bytes.ts'
import { isPlexiError } from '../../base/errors.ts'
import { openHead, openNotice, type FoundHead, type StripeId } from '../../shard/index.ts'
import { readNumber, writeNumber } from '../catalogue/catalogue.ts'
import type { HeadRow } from '../catalogue/head-rows.ts'
import { epochKeyOf, type EngineKeys } from '../engine-keys.ts'
import { decodeHeadBody } from '../head/head-body.ts'
import { decodeSegment } from '../head/segment-codec.ts'
import type { Parts } from '../parts.ts'
import type { Alarm, ValidHead } from './choose-heads.ts'

/** Meta keys. */
export const FORKED = 'forked'
const LAST_FORK = 'lastFork'

/** `known`: nothing to take over. */
export function meetOwnHead({ catalogue, keys }: Parts, { notice }: ValidHead): 'known' | 'newer' | 'fork' | 'new' {
  if (notice.device !== keys.device) return 'new'
  const own = catalogue.heads.newest()
  if (own === undefined || notice.seq > own.seq) return 'newer'
  const chain = catalogue.heads.chainAt(notice.seq)
  // Too long ago to be remembered: hosts that were away for thousands of heads tell nothing new.
  if (chain.length === 0) return 'known'
  return chain.some((hash) => equal(hash, notice.sealedHash)) ? 'known' : 'fork'
}

/** Whether this very head is one of this device's chain. What is malformed is not. */
export function isInChain({ catalogue, keys }: Pick<Parts, 'catalogue' | 'keys'>, { bundle }: FoundHead): boolean {
  try {
    const { device, seq, sealedHash } = openNotice(bundle.notice)
    return device === keys.device && catalogue.heads.chainAt(seq).some((hash) => equal(hash, sealedHash))
  } catch (error) {
    if (isPlexiError(error)) return false
    throw error
  }
}

/** Puts a head met into the chain, so that the next one made goes past it and past everything made here. */
export function continueFrom(parts: Parts, head: ValidHead, met: 'newer' | 'fork'): Alarm {
  const { catalogue, keys, clock, options } = parts
  const { notice, signedNotice, sealed, body } = head
  const own = catalogue.heads.newest()
  const now = clock.now()
  const before = readNumber(catalogue.heads.meta(LAST_FORK))
  const again = before !== 0 && Math.abs(now - before) < options.forkWindowMs
  catalogue.commit(() => {
    const seq = own !== undefined && own.seq >= notice.seq ? own.seq + 1 : notice.seq
    const { sealedHash } = notice
    catalogue.heads.add({ seq, time: body.time, revision: -1, notice: signedNotice, sealed, sealedHash }, true)
    catalogue.heads.addToChain(notice.seq, sealedHash)
    catalogue.heads.setMeta(LAST_FORK, writeNumber(now))
    if (again) catalogue.heads.setMeta(FORKED, writeNumber(now))
  })
  const text = again
    ? 'this device has forked twice within a day: backups wait for the recovery words'
    : met === 'fork'
      ? 'hosts hold a head of this very device that it did not make: another history was taken over'
      : 'hosts held a newer head of this very device: its history was taken over'
  return { code: met === 'fork' ? 'STORAGE_HEAD_FORKED' : 'SECURITY_ROLLBACK', text, peer: keys.device }
}

/**
 * Stripes outside index roots that `published` named. Those that a newer head of this device does not name any more were
 * replaced after this disk's state was taken: nothing may rely on them.
 */
export function stripesNamedBy(published: HeadRow | undefined, keys: EngineKeys): StripeId[] {
  if (published === undefined) return []
  try {
    const body = decodeHeadBody(openHead(published.sealed, epochKeyOf(keys)))
    return body.segments.flatMap((bytes) => decodeSegment(bytes).stripes.map(({ id }) => id))
  } catch (error) {
    // Sealed under an epoch whose key a write-only device has no more: such a device replaces no stripes.
    if (isPlexiError(error, 'SECURITY_SEALED')) return []
    throw error
  }
}

/** The vault as one: what all its devices' heads say, known here. Spec: docs/spec/04-snapshot-and-head.md § Pruning. */
import { PlexiError } from '../../base/errors.ts'
import { takeOver } from '../adopt/adopt.ts'
import { chooseHeads, type Alarm } from '../adopt/choose-heads.ts'
import type { Session } from '../session.ts'
import { knownOutside } from './other-heads.ts'

/**
 * Makes this catalogue the union of all heads, revoked devices' included, so that what they need is known here. Throws
 * when part of a head cannot be read: then nobody knows what it needs.
 */
export async function unite(session: Session, signal: AbortSignal): Promise<void> {
  const { catalogue, keys, network } = session.parts
  if (!knownOutside(session.parts)) return
  const { heads } = chooseHeads(await network.findHeads(signal), keys)
  const seen = catalogue.retention.otherHeads()
  const news = heads.filter(({ notice: { device, seq } }) => device !== keys.device && seq > (seen.get(device) ?? 0))
  const alarms: Alarm[] = []
  await takeOver(session, news, { signal, alarms, custody: false })
  const [first] = alarms
  if (first !== undefined) throw new PlexiError(first.code, { device: first.peer ?? '' }, { message: first.text })
  // What was brought home waits for a stripe, and the next head for that.
  if (catalogue.shards.unstriped().every(({ lost }) => lost)) return
  await session.former.refresh(signal)
  await session.writer(signal, { place: true, note: () => undefined }).formTail()
}

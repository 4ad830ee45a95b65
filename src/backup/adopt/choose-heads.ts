/**
 * Which of the heads found on hosts may be believed. Spec: docs/spec/04-snapshot-and-head.md § Publishing.
 * Pure. Invariants: nothing unverified is used; of each device the highest seq counts; disagreement is never silent.
 */
import { equal, toHex } from '../../base/bytes.ts'
import { toPlexiError, type ErrorCode } from '../../base/errors.ts'
import { checkSuccessor, openAuthority, type Authority } from '../../crypto/authority.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { openTerms } from '../../crypto/terms.ts'
import { openHead, openNotice, sealedHashOf, type FoundHead, type HeadNotice } from '../../shard/index.ts'
import { PlexiError } from '../../base/errors.ts'
import { decodeHeadBody, type HeadBody } from '../head/head-body.ts'
import { epochKeyOf, type EngineKeys } from '../engine-keys.ts'

export interface Alarm {
  readonly code: ErrorCode
  readonly text: string
  /** Who served it, or the device it is about. */
  readonly peer: PeerKey | null
}

export interface ValidHead {
  readonly notice: HeadNotice
  readonly body: HeadBody
  readonly signedNotice: Uint8Array
  readonly sealed: Uint8Array
  readonly sources: ReadonlySet<PeerKey>
}

export interface Choice {
  /** The newest of each device, both sides of a fork; oldest first. */
  readonly heads: readonly ValidHead[]
  /** Sources that served at least one valid head. */
  readonly sources: number
  readonly alarms: readonly Alarm[]
  /** Devices that may still write, as far as any authority found tells. */
  readonly devices: ReadonlySet<PeerKey>
}

interface Known {
  readonly bytes: Uint8Array
  readonly authority: Authority
}

export function chooseHeads(found: readonly FoundHead[], keys: EngineKeys): Choice {
  const alarms: Alarm[] = []
  const authorities = knownAuthorities(found, keys, alarms)
  const revoked = new Set(authorities.flatMap(({ authority }) => authority.revoked))
  const valid = new Map<string, ValidHead & { sources: Set<PeerKey> }>()
  for (const { bundle, source } of found) {
    try {
      openTerms(bundle.terms, keys.vault)
      const head = openOne(bundle, { keys, authorities })
      const key = toHex(head.notice.sealedHash)
      const known = valid.get(key)
      if (known === undefined) valid.set(key, { ...head, sources: new Set([source]) })
      else known.sources.add(source)
    } catch (error) {
      const { code, message } = toPlexiError(error)
      alarms.push({ code, text: `a head was refused: ${message}`, peer: source })
    }
  }
  const heads = newestPerDevice([...valid.values()], alarms)
  for (const { notice } of heads) {
    if (revoked.has(notice.serial))
      alarms.push({
        code: 'AUTH_REVOKED',
        text: 'the newest head of a device is from one that was revoked',
        peer: notice.device,
      })
  }
  const sources = new Set([...valid.values()].flatMap((head) => [...head.sources])).size
  const listed = authorities.flatMap(({ authority }) => authority.devices)
  const active = listed.filter(({ content }) => !revoked.has(content.serial))
  const devices = new Set(active.map(({ content }) => content.peer))
  return { heads: heads.toSorted((a, b) => a.body.time - b.body.time), sources, alarms, devices }
}

/** Every valid version once, ascending. A version that does not follow from the one before is an alarm. */
function knownAuthorities(found: readonly FoundHead[], keys: EngineKeys, alarms: Alarm[]): Known[] {
  const known: Known[] = []
  for (const { bytes, source } of [
    { bytes: keys.authority, source: null },
    ...found.map(({ bundle, source }) => ({ bytes: bundle.authority, source })),
  ]) {
    if (known.some((one) => equal(one.bytes, bytes))) continue
    try {
      known.push({ bytes, authority: openAuthority(bytes, { key: keys.shared.authority, vault: keys.vault }) })
    } catch (error) {
      const { code, message } = toPlexiError(error)
      alarms.push({ code, text: `an authority was refused: ${message}`, peer: source })
    }
  }
  known.sort((a, b) => a.authority.version - b.authority.version)
  known.forEach((one, i) => {
    const before = known[i - 1]
    if (before === undefined) return
    try {
      checkSuccessor(before, one)
    } catch (error) {
      alarms.push({ code: 'SECURITY_ROLLBACK', text: toPlexiError(error).message, peer: null })
    }
  })
  return known
}

type Bundle = FoundHead['bundle']
type Opened = Omit<ValidHead, 'sources'>

/**
 * The vault signed every authority here, so a device that any of them lists is its own: two recoveries at the same time
 * make rival versions that do not list each other's device.
 */
function openOne(bundle: Bundle, use: { keys: EngineKeys; authorities: readonly Known[] }): Opened {
  const notice = openNotice(bundle.notice)
  if (!equal(notice.vault, use.keys.vault)) throw refused('another vault')
  const listed = use.authorities.some(({ authority }) =>
    authority.devices.some(({ content }) => content.serial === notice.serial && content.peer === notice.device),
  )
  if (!listed) throw refused('the vault does not know this device')
  if (!equal(sealedHashOf(bundle.sealed), notice.sealedHash)) throw refused('the sealed head is not the one announced')
  const body = decodeHeadBody(openHead(bundle.sealed, epochKeyOf(use.keys)))
  const samePrev = equal(body.prev ?? new Uint8Array(0), notice.prev ?? new Uint8Array(0))
  if (!equal(body.vault, notice.vault) || body.device !== notice.device || body.seq !== notice.seq || !samePrev)
    throw refused('notice and head disagree')
  return { notice, body, signedNotice: bundle.notice, sealed: bundle.sealed }
}

function newestPerDevice(heads: readonly ValidHead[], alarms: Alarm[]): ValidHead[] {
  const newest = new Map<PeerKey, ValidHead[]>()
  for (const head of heads.toSorted((a, b) => b.notice.seq - a.notice.seq)) {
    const best = newest.get(head.notice.device)
    if (best === undefined) newest.set(head.notice.device, [head])
    else if (best[0]?.notice.seq === head.notice.seq) best.push(head)
  }
  for (const [device, best] of newest) {
    if (best.length === 1) continue
    alarms.push({ code: 'STORAGE_HEAD_FORKED', text: 'one device wrote two histories; both were taken', peer: device })
  }
  return [...newest.values()].flat()
}

function refused(reason: string): PlexiError {
  return new PlexiError('SECURITY_SIGNATURE', { what: 'head', reason }, { message: `head refused: ${reason}` })
}

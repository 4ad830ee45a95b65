/**
 * Taking over what heads say: of the vault's other devices, or this device's own after its disk was put back in time.
 * The vault is the union of its devices' newest heads. Spec: docs/spec/04-snapshot-and-head.md § Several devices.
 * Invariants: of each device one head counts, as a whole; what this device made is never given up for what others say.
 */
import { concat, fromHex, toHex } from '../../base/bytes.ts'
import { DAY } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { openAuthority } from '../../crypto/authority.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { FoundHead } from '../../shard/index.ts'
import type { HeadRow } from '../catalogue/head-rows.ts'
import type { OtherDevice } from '../catalogue/other-rows.ts'
import { limits } from '../options.ts'
import { chooseHeads, type Alarm, type ValidHead } from './choose-heads.ts'
import { findTailsAgain, HeadReader, nothingNamed, takeFrames, type Readers } from './head-reader.ts'
import { takeHome } from './take-home.ts'
import { continueFrom, isInChain, meetOwnHead, stripesNamedBy } from './own-head.ts'

export type { Alarm } from './choose-heads.ts'

export interface Adoption {
  /** Of the newest head met. */
  readonly headSeq: number
  readonly headTime: number
  /** Members that served a valid head; fewer than 3 deserve a warning. */
  readonly sources: number
  /** Snapshots known afterwards. */
  readonly snapshots: number
  /** Devices whose head was new here. */
  readonly news: number
  readonly alarms: readonly Alarm[]
}

export interface AdoptUse {
  /**
   * The other devices are taken for gone until they show a newer head: this device's own head names what they name. So
   * it is after a recovery.
   */
  readonly custody: boolean
}

/** A device that was silent for so long is in custody: the hosts that keep its head may be leaving. */
const SILENT_MS = 14 * DAY

/** Throws `STORAGE_NO_HEAD` when nothing valid was found. */
export async function adoptHeads(
  session: Readers,
  found: readonly FoundHead[],
  use: AdoptUse & { readonly signal: AbortSignal },
): Promise<Adoption> {
  const { parts } = session
  const own = parts.catalogue.heads.newest()
  // A write-only device has no key any more for what it sealed in an older epoch: what it made itself is known anyway.
  if (own !== undefined && !parts.keys.grants.includes('fetch') && found.every((head) => isInChain(parts, head)))
    return nothingNew(parts, own)
  const { heads, sources, alarms } = chooseHeads(found, parts.keys)
  const newest = heads.at(-1)
  if (newest === undefined) throw new PlexiError('STORAGE_NO_HEAD', { alarms: alarms.map(({ code }) => code) })
  const all: Alarm[] = [...alarms]
  const news = await takeOver(session, heads, { ...use, alarms: all })
  const { seq } = newest.notice
  const snapshots = parts.catalogue.snapshots.count()
  return { headSeq: seq, headTime: newest.body.time, sources, snapshots, news, alarms: all }
}

function nothingNew({ catalogue }: Readers['parts'], { seq, time }: HeadRow): Adoption {
  return { headSeq: seq, headTime: time, sources: 0, snapshots: catalogue.snapshots.count(), news: 0, alarms: [] }
}

/** Takes over what these heads say. What could not be read is an alarm. Returns how many devices had a new one. */
export async function takeOver(
  session: Readers,
  heads: readonly ValidHead[],
  run: AdoptUse & { readonly signal: AbortSignal; readonly alarms: Alarm[] },
): Promise<number> {
  const { catalogue, keys } = session.parts
  const forgotten = buryAll(catalogue, heads, whoMayForget(session))
  let news = 0
  for (const [device, sides] of Map.groupBy(heads, ({ notice }) => notice.device)) {
    const before = run.alarms.length
    const job = { ...run, session, forgotten }
    const own = device === keys.device
    if (await (own ? takeOwn(sides, job) : takeOther(sides, job))) news++
    if (own || run.alarms.length > before) continue
    catalogue.commit(() => {
      catalogue.retention.sawHead(device, sides[0]?.notice.seq ?? 0)
    })
  }
  return news
}

/** A snapshot is forgotten wherever another head still names it. Returns all that are, in hex. */
function buryAll(
  catalogue: Readers['parts']['catalogue'],
  heads: readonly ValidHead[],
  mayForget: (head: ValidHead) => boolean,
): Set<string> {
  const forgotten = new Set<string>(heads.filter(mayForget).flatMap(({ body }) => body.tombstones))
  const known = new Set([...catalogue.snapshots.all(), ...catalogue.snapshots.forgotten()].map(({ id }) => toHex(id)))
  // The others are told that it is known here, while there is room for it.
  const room = Math.max(0, limits.tombstones / 2 - catalogue.retention.tombstones().length)
  const unknown = [...forgotten].filter((id) => !known.has(id)).slice(0, room)
  const ids = [...[...forgotten].filter((id) => known.has(id)), ...unknown]
  catalogue.commit(() => {
    if (catalogue.retention.bury(ids.map((id) => fromHex(id))) > 0) catalogue.touch()
  })
  return new Set([...forgotten, ...catalogue.retention.forgotten()])
}

interface Job extends AdoptUse {
  readonly session: Readers
  readonly alarms: Alarm[]
  readonly signal: AbortSignal
  /** Snapshots that count no more, in hex. */
  readonly forgotten: ReadonlySet<string>
}

/** A device that may not release cannot have others release either: whoever steals it forgets nothing. */
function whoMayForget({ parts: { keys } }: Readers): (head: ValidHead) => boolean {
  const { devices } = openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
  const bound = devices.filter(({ content }) => !content.grants.includes('release'))
  const serials = new Set(bound.map(({ content }) => content.serial))
  return ({ notice }) => !serials.has(notice.serial)
}

/** This device's own, where it did not make it itself. */
async function takeOwn(sides: readonly ValidHead[], { session, alarms, signal, forgotten }: Job): Promise<boolean> {
  const { parts } = session
  const { catalogue } = parts
  let taken = false
  for (const head of sides) {
    const met = meetOwnHead(parts, head)
    if (met === 'known' || met === 'new') continue
    const before = stripesNamedBy(catalogue.heads.newestPublished(), parts.keys)
    alarms.push(continueFrom(parts, head, met))
    const named = nothingNamed()
    await new HeadReader(session, head.body, { own: true, signal, alarms, named, forgotten }).run()
    catalogue.commit(() => {
      const rows = before.flatMap((id) => catalogue.stripes.find(id) ?? [])
      const replaced = rows.filter(({ no, state }) => state === 'placed' && !named.stripes.has(no))
      if (met === 'newer' && named.complete) for (const { no } of replaced) catalogue.stripes.setState(no, 'released')
      catalogue.touch()
    })
    taken = true
  }
  return taken
}

/** The newest head of another device takes the place of the one known before, as a whole. */
async function takeOther(sides: readonly ValidHead[], job: Job): Promise<boolean> {
  const { session, alarms, signal, forgotten } = job
  const { parts } = session
  const { catalogue, inline } = parts
  const [{ notice, body }] = sides as [ValidHead]
  const known = catalogue.others.find(notice.device)
  const hashes = concat(...sides.map((head) => head.notice.sealedHash).sort((a, b) => Buffer.compare(a, b)))
  const revoked = isRevoked(session, notice.serial)
  if (known !== undefined && notice.seq < known.seq) return false
  if (known !== undefined && revoked && notice.seq > known.seq) return keepRevoked(session, known)
  const silent = parts.clock.now() - body.time > SILENT_MS
  const changed = known === undefined || Buffer.compare(hashes, known.hashes) !== 0
  const kept = !changed && known.custody
  const custody = job.custody || revoked || silent || kept
  if (!changed && custody === known.custody) return false
  const named = nothingNamed()
  const use = { own: false, signal, alarms, named, forgotten }
  const readers = sides.map((head) => new HeadReader(session, head.body, use))
  for (const reader of readers) await reader.run()
  const frames = readers.flatMap((reader) => reader.frames)
  const replaceable = catalogue.others.named(notice.device, 'tails')
  const homecoming = await takeHome(session, unnamedBy(session, notice.device, named), signal)
  const dropped = catalogue.commit(() => {
    if (!named.complete) keepWhatWasNamed(session, notice.device, named)
    catalogue.others.replace({ device: notice.device, seq: notice.seq, time: body.time, hashes, custody }, named)
    for (const frame of frames) inline.storeOther(notice.device, frame)
    homecoming.take()
    const gone = catalogue.others.dropUnnamed()
    if (custody || known?.custody === true) catalogue.touch()
    return gone
  })
  inline.load()
  if (custody) takeFrames(parts, frames)
  // What the device moved was found again above; chunks of what is gone may lie with somebody else too.
  if (dropped.some((no) => !replaceable.has(no))) await parts.index.takeBack()
  else if (dropped.length > 0) await findTailsAgain(parts)
  return true
}

/**
 * Whoever has a revoked device may still find a host that has not heard of it: what it says now is not the vault's. What
 * it said before is kept by this device from now on.
 */
function keepRevoked({ parts }: Readers, known: OtherDevice): boolean {
  if (known.custody) return false
  const { catalogue, inline } = parts
  catalogue.commit(() => {
    catalogue.others.setCustody(known.device, true)
    catalogue.others.copyFrames(known.device)
    catalogue.touch()
  })
  inline.load()
  return true
}

/** Stripes that the device's newest head names no more, and no other device's either. */
function unnamedBy({ parts }: Readers, device: PeerKey, named: ReturnType<typeof nothingNamed>): number[] {
  const { others } = parts.catalogue
  if (!named.complete) return []
  const before = [...others.named(device, 'stripes')].filter((no) => !named.stripes.has(no))
  if (before.length === 0) return []
  const devices = others.all().filter((other) => other.device !== device)
  const still = new Set(devices.flatMap((other) => [...others.named(other.device, 'stripes')]))
  return before.filter((no) => !still.has(no))
}

/** What could not be read this time is not given up. */
function keepWhatWasNamed({ parts }: Readers, device: PeerKey, named: ReturnType<typeof nothingNamed>): void {
  const { others } = parts.catalogue
  for (const kind of ['stripes', 'snapshots', 'lists', 'roots'] as const)
    for (const no of others.named(device, kind)) named[kind].add(no)
}

function isRevoked({ parts: { keys } }: Readers, serial: number): boolean {
  return openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault }).revoked.includes(serial)
}

/**
 * What the other devices of the vault rely on, read from their newest heads. Spec: docs/spec/04-snapshot-and-head.md §
 * Pruning. Invariant: what cannot be read counts as needed.
 */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { chooseHeads, type ValidHead } from '../adopt/choose-heads.ts'
import { HEAD_HOSTS } from '../health.ts'
import { decodeSegment } from '../head/segment-codec.ts'
import type { Parts } from '../parts.ts'
import type { ChunkReader } from '../read/chunk-reader.ts'
import { decodeSnapshot, decodeSnapshotList } from '../snapshot/snapshot.ts'

/** What reading heads takes of a session. */
export interface Reading {
  readonly parts: Parts
  readonly chunks: ChunkReader
}

export interface OtherDevice {
  readonly device: PeerKey
  /** Its newest heads: several when it forked, none when nobody has one. */
  readonly heads: readonly ValidHead[]
  /** A newer head than any found now was seen before. */
  readonly hidden: boolean
}

/** Whether a host ever had a head: before that nobody else can rely on anything. */
export function knownOutside({ catalogue }: Pick<Parts, 'catalogue'>): boolean {
  return catalogue.heads.meta(HEAD_HOSTS) !== undefined || catalogue.retention.otherHeads().size > 0
}

/**
 * Reads the heads of all devices that are not revoked, without this one. Throws `STORAGE_NO_HEAD` when not even the own
 * head is found, `NETWORK_NO_BOOTSTRAP` when nobody can be asked.
 */
export async function readOthers(parts: Parts, signal: AbortSignal): Promise<OtherDevice[]> {
  const { catalogue, keys, network } = parts
  if (!knownOutside(parts)) return []
  const { heads, devices, alarms } = chooseHeads(await network.findHeads(signal), keys)
  if (heads.length === 0) throw new PlexiError('STORAGE_NO_HEAD', { alarms: alarms.map(({ code }) => code) })
  const seen = catalogue.retention.otherHeads()
  return [...devices]
    .filter((device) => device !== keys.device)
    .map((device) => {
      const own = heads.filter(({ notice }) => notice.device === device)
      const newest = Math.max(0, ...own.map(({ notice }) => notice.seq))
      return { device, heads: own, hidden: newest < (seen.get(device) ?? 0) }
    })
}

/** Hex ids of all snapshots a head names, forgotten ones too; undefined where a list cannot be read. */
export async function namedSnapshots(
  session: Reading,
  { body, notice }: ValidHead,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  const { keys, log } = session.parts
  const named = new Set<string>()
  const take = (stored: Uint8Array): void => {
    named.add(decodeSnapshot(stored, keys.shared.idMac).id)
  }
  try {
    for (const one of body.snapshots) take(one.body ?? (await session.chunks.read(one.chunk, signal)))
    for (const list of body.older) decodeSnapshotList(await session.chunks.read(list, signal)).forEach(take)
    return named
  } catch (error) {
    signal.throwIfAborted()
    log.warn('the snapshots of another device cannot be read', { device: notice.device, error: String(error) })
    return undefined
  }
}

/** Ids of all stripes a head names, in hex; undefined where that cannot be told from what is known here. */
export async function namedStripes(
  session: Reading,
  head: ValidHead,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  const { body, notice } = head
  const named = new Set<string>()
  const take = (bytes: Uint8Array): void => {
    for (const { id } of decodeSegment(bytes).stripes) named.add(toHex(id))
  }
  body.segments.forEach(take)
  for (const root of body.roots) for (const { id } of root.stripes) named.add(toHex(id))
  const adopted = session.parts.catalogue.retention.otherHeads().get(notice.device) === notice.seq
  if (body.roots.length > 0 && !adopted) return undefined
  try {
    for (const { chunks } of body.roots) for (const chunk of chunks) take(await session.chunks.read(chunk, signal))
  } catch (error) {
    signal.throwIfAborted()
    session.parts.log.warn('the index of another device cannot be read', {
      device: notice.device,
      error: String(error),
    })
    return undefined
  }
  return named
}

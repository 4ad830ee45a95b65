/**
 * Forming a placement group: candidates → filter → draw → diversity → k-of-n → slots and standbys
 * (docs/spec/06-dht-records.md, placement groups). Pure; the group's own random id is the seed.
 */
import {
  chooseShape,
  minimumReceipts,
  UNMEASURED_STRANGER_RATE,
  UNMEASURED_VOUCHED_RATE,
  type GroupHost,
  type GroupId,
  type PlacementGroup,
} from '../../shard/index.ts'
import { MAX_STANDBYS } from './group-book.ts'
import { diverse, drawOrder, eligible, type Candidate } from './candidates.ts'

export interface Formation {
  readonly k: number
  readonly n: number
  /** Slots first, then standbys. */
  readonly members: readonly Candidate[]
}

/** The largest k-of-n that fits the eligible candidates under the caps; undefined while nobody is eligible. */
export function chooseMembers(candidates: readonly Candidate[], seed: Uint8Array): Formation | undefined {
  const order = drawOrder(candidates.filter(eligible), seed)
  let count = order.length
  while (count > 0) {
    const shape = chooseShape(count)
    if (shape === undefined) return undefined
    const members = diverse(order, shape)
    const fits = chooseShape(members.length)
    if (fits !== undefined && (fits.n > shape.n || (fits.k === shape.k && fits.n === shape.n))) {
      return { k: shape.k, n: shape.n, members: members.slice(0, shape.n + MAX_STANDBYS) }
    }
    // The caps left fewer: try what that many would get. A smaller k has tighter caps, so this only goes down.
    count = Math.min(count - 1, Math.max(members.length, 0))
  }
  return undefined
}

export function formGroup(candidates: readonly Candidate[], id: GroupId): PlacementGroup | undefined {
  const formation = chooseMembers(candidates, id)
  if (formation === undefined) return undefined
  const { k, n, members } = formation
  const slots = members.slice(0, n)
  return {
    id,
    version: 1,
    k,
    n,
    slots: slots.map((member) => ({ host: hostOf(member), former: [] })),
    standbys: members.slice(n).map(hostOf),
    returnRates: slots.map((member) => (member.vouched ? UNMEASURED_VOUCHED_RATE : UNMEASURED_STRANGER_RATE)),
  }
}

/**
 * Whether new stripes go on using `current`. They do not when today's candidates allow a larger code, or when so few
 * of its members answer that a stripe could not reach its minimum of k+1 (k where n = k).
 */
export function stillGood(
  current: PlacementGroup,
  candidates: readonly Candidate[],
  better: Formation | undefined,
): boolean {
  if (better !== undefined && (better.k > current.k || (better.k === current.k && better.n > current.n))) return false
  const able = new Set(candidates.filter(eligible).map((candidate) => candidate.peer))
  const slots = current.slots.filter((slot) => able.has(slot.host.peer)).length
  const standbys = current.standbys.filter((standby) => able.has(standby.peer)).length
  const reachable = Math.min(current.n, slots + standbys)
  return reachable >= minimumReceipts(current) || better === undefined
}

function hostOf(candidate: Candidate): GroupHost {
  return { peer: candidate.peer, addresses: candidate.addresses }
}

/**
 * Who may hold shards, in which order (docs/spec/06-dht-records.md, placement groups). Pure and order-independent: each
 * candidate draws its place from hash(seed ‖ peer), so the same seed and the same people give the same order, and one
 * more candidate moves nobody else.
 */
import { utf8, view } from '../../base/bytes.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { sha256 } from '../../crypto/hash.ts'
import { SHARD_BYTES, type GroupHost } from '../../shard/index.ts'
import { addressGroup, household } from '../addresses.ts'

export interface Candidate extends GroupHost {
  readonly peer: PeerKey
  /** Hex vault id of the owner, where known. */
  readonly vault: string | undefined
  readonly vouched: boolean
  /** A valid proof-of-work stamp was shown. */
  readonly stamped: boolean
  readonly accepting: boolean
  readonly freeBytes: number
  /** Observed IP of a direct connection, or that of its relay. */
  readonly ip: string | undefined
  /** Exempt from diversity: loopback, or an own subnet with `lan`. */
  readonly local: boolean
  /** Weights of placement; 1 until they are measured. */
  readonly score: number
  readonly availability: number
  readonly speed: number
}

export function eligible(candidate: Candidate): boolean {
  return (candidate.vouched || candidate.stamped) && candidate.accepting && candidate.freeBytes >= SHARD_BYTES
}

/** Weighted sampling without replacement: all of `candidates`, best draw first. */
export function drawOrder(candidates: readonly Candidate[], seed: Uint8Array): Candidate[] {
  const crowd = new Map<string, number>()
  for (const candidate of candidates) {
    const key = crowdOf(candidate)
    if (key !== undefined) crowd.set(key, (crowd.get(key) ?? 0) + 1)
  }
  const drawn = candidates.map((candidate) => {
    const key = crowdOf(candidate)
    const weight = weightOf(candidate) / (key === undefined ? 1 : (crowd.get(key) ?? 1))
    return { candidate, draw: -Math.log(uniform(seed, candidate.peer)) / weight }
  })
  drawn.sort((a, b) => a.draw - b.draw || (a.candidate.peer < b.candidate.peer ? -1 : 1))
  return drawn.map((entry) => entry.candidate)
}

/** The first of `order` that the diversity caps of a k-of-n group let in, spares included. */
export function diverse(order: readonly Candidate[], shape: { k: number; n: number }): Candidate[] {
  const cap = Math.max(1, Math.min(shape.k - 1, Math.floor((shape.n - shape.k) / 2)))
  const used = new Map<string, number>()
  return order.filter((candidate) => {
    const keys = capKeys(candidate)
    const limit = candidate.vouched ? 1 : cap
    if (keys.some((key) => (used.get(key) ?? 0) >= limit)) return false
    for (const key of keys) used.set(key, (used.get(key) ?? 0) + 1)
    return true
  })
}

/** All four inputs of the weight are in place; they are uniform until reputation measures them. */
function weightOf(candidate: Candidate): number {
  return candidate.score * candidate.availability * candidate.speed
}

/** Strangers of one address group share one weight between them. */
function crowdOf(candidate: Candidate): string | undefined {
  if (candidate.vouched || candidate.local || candidate.ip === undefined) return undefined
  return addressGroup(candidate.ip)
}

/** What a candidate shares with others: vouched peers their household, strangers address group and owner. */
function capKeys(candidate: Candidate): string[] {
  if (candidate.local) return []
  const ip = candidate.ip
  if (candidate.vouched) return ip === undefined ? [] : [`home:${household(ip)}`]
  const keys = ip === undefined ? ['group:unknown'] : [`group:${addressGroup(ip)}`]
  if (candidate.vault !== undefined) keys.push(`vault:${candidate.vault}`)
  return keys
}

/** Uniform in (0, 1), from the first 52 bits of hash(seed ‖ peer). */
function uniform(seed: Uint8Array, peer: string): number {
  const bits = view(sha256(seed, utf8(peer))).readBigUInt64BE(0) >> 12n
  return (Number(bits) + 0.5) / 2 ** 52
}

/** What people want to know of a snapshot, from the receipts of the stripes it needs. */
import { safety } from '../../shard/index.ts'
import { asItStands, distinctSets, headShows, overview, stripeHosts, type Overview } from '../health.ts'
import type { Parts } from '../parts.ts'
import type { SnapshotInfo, StripeHosts } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'
import type { NamedSnapshot } from './find.ts'

export function snapshotInfos(parts: Parts, named: readonly NamedSnapshot[]): SnapshotInfo[] {
  const judge = judgeOf(parts)
  return named.map(({ row, snapshot }) => {
    const { name, tags, device, partial, stats, paths, id, time } = snapshot
    const { files, dirs, bytes } = stats
    const shown = { id, time, name, tags, paths: paths.map(nameText), files, dirs, bytes, device, partial }
    return { ...shown, ...judge.standing(row.no) }
  })
}

/** How many snapshots hosts hold completely. Only while some stripe waits is each one looked at. */
export function placedSnapshots(parts: Parts): number {
  const { catalogue } = parts
  if (!headShows(parts)) return 0
  if (overview(parts).allPlaced && catalogue.shards.unstriped().length === 0) return catalogue.snapshots.count()
  const judge = judgeOf(parts)
  return catalogue.snapshots.all().filter(({ no }) => judge.standing(no).placed).length
}

function judgeOf(parts: Parts): Judge {
  return asItStands(parts, 'judge', () => new Judge(parts))
}

type Standing = Pick<SnapshotInfo, 'placed' | 'safe' | 'hosts'>

/** Judges snapshots one after the other, as things stand when it is made; each once. */
class Judge {
  readonly #parts: Parts
  readonly #all: Overview
  readonly #shown: boolean
  /** By stripe, the last snapshot it was counted for: each counts once, however many of its shards are needed. */
  readonly #counted: Uint32Array
  /** Snapshots lie on few sets of hosts: safety by which of them. */
  readonly #safe = new Map<string, number>()
  readonly #known = new Map<number, Standing>()
  #snapshots = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#all = overview(parts)
    this.#shown = headShows(parts)
    this.#counted = new Uint32Array(this.#all.setOf.length)
  }

  /** `no` is the snapshot's number in the catalogue. */
  standing(no: number): Standing {
    const known = this.#known.get(no) ?? this.#judge(no)
    this.#known.set(no, known)
    return known
  }

  #judge(no: number): Standing {
    const needed = this.#parts.catalogue.snapshots.needs(no)
    // Adopted and never walked: it may need everything.
    if (needed === undefined) return this.#standing(stripeHosts(this.#all), this.#all.allPlaced)
    const { sets, head } = this.#all
    const counts = new Uint32Array(sets.length)
    const placed = this.#count(needed, counts)
    if (placed === undefined) return { placed: false, safe: 0, hosts: [] }
    const hosts = sets.flatMap((set, i) => (counts[i] === 0 ? [] : [{ ...set, stripes: counts[i] as number }]))
    return this.#standing([...hosts, ...(head === undefined ? [] : [head])], placed)
  }

  /** Counts stripes by set. Whether all are placed; undefined when some shard has no stripe yet. */
  #count(needed: Uint32Array, counts: Uint32Array): boolean | undefined {
    const { stripeOf, setOf, placed } = this.#all
    const snapshot = ++this.#snapshots
    let all = true
    for (const shard of needed) {
      if (shard === 0) continue
      const stripe = stripeOf[shard] ?? 0
      if (stripe === 0) return undefined
      if (this.#counted[stripe] === snapshot) continue
      const set = setOf[stripe] ?? -1
      if (placed[stripe] !== 1) all = false
      if (set < 0) continue
      this.#counted[stripe] = snapshot
      counts[set] = (counts[set] as number) + 1
    }
    return all
  }

  #standing(hosts: StripeHosts[], placed: boolean): Standing {
    return { placed: this.#shown && placed, safe: this.#shown ? this.#safety(hosts) : 0, hosts }
  }

  #safety(hosts: readonly StripeHosts[]): number {
    // All of it rides in a head that no host has: it lies on remotes at most.
    if (hosts.length === 0) return 0
    const key = hosts
      .map(({ k, hosts: peers, head }) => `${String(k)}${head === true ? 'h' : ''} ${peers.join(' ')}`)
      .join()
    const known = this.#safe.get(key) ?? safety(distinctSets(hosts))
    this.#safe.set(key, known)
    return known
  }
}

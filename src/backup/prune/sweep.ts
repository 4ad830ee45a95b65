/**
 * Finding what nobody needs, and giving it up: whole stripes at once, thin ones after packing again what lives in them.
 * Spec: docs/spec/04-snapshot-and-head.md § Pruning. Invariants: the chunk index and every snapshot's set of shards are
 * right after each commit; stripes are only marked here, their release comes when a head without them is out.
 */
import { SHARD_BYTES } from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import { readRoots } from '../head/describe.ts'
import type { PruneProgress } from '../requests.ts'
import type { Session } from '../session.ts'
import { findAgain } from './find-again.ts'
import { LiveWalk, tableOf, type LiveSet } from './live-set.ts'
import { relist } from './relist.ts'
import { repack } from './repack.ts'
import { planSweep, type StripeUse, type SweepPlan } from './sweep-plan.ts'

export interface SweepResult {
  readonly checkedChunks: number
  readonly liveChunks: number
  /** Needed, and nowhere to be found. */
  readonly missingChunks: number
  /** Stripes given up, and stripes whose living chunks were packed again. */
  readonly dropped: number
  readonly repacked: number
  /** Copies of shards in both. */
  readonly retiredShards: number
  /** Sealed shards that were not in a stripe yet and are not needed. */
  readonly droppedBodies: number
}

interface Found {
  readonly live: LiveSet
  readonly plan: SweepPlan
  /** Retired stripes that turned out to be needed. */
  readonly needed: readonly StripeRow[]
  readonly idle: readonly ShardRow[]
  readonly missing: number
}

interface SweepRun {
  readonly signal: AbortSignal
  readonly progress: (progress: PruneProgress) => void
}

export class Sweep {
  readonly #session: Session
  readonly #run: SweepRun

  constructor(session: Session, run: SweepRun) {
    this.#session = session
    this.#run = run
  }

  /** `gone` are rows of forgotten snapshots to be removed, `needless` tombstones that nobody has to be told any more. */
  async run(use: {
    rows: readonly SnapshotRow[]
    gone: readonly SnapshotRow[]
    needless: readonly Uint8Array[]
  }): Promise<SweepResult> {
    const { parts } = this.#session
    const { catalogue } = parts
    await relist(this.#session, use.gone, this.#run.signal)
    catalogue.commit(() => {
      for (const { no } of use.gone) catalogue.snapshots.remove(no)
      catalogue.retention.unbury(use.needless)
      catalogue.heads.dropEmptyLists()
      if (use.gone.length + use.needless.length > 0) catalogue.touch()
    })
    const found = await this.#find(use.rows)
    const { plan, needed } = found
    const dead = [...this.#dataShards([...plan.drop, ...plan.repack]), ...found.idle]
    const shards = copies(this.#stripes([...plan.drop, ...plan.repack]))
    const number = await this.#pointElsewhere(found, dead)
    catalogue.commit(() => {
      for (const { no } of needed) {
        catalogue.stripes.setState(no, 'placed')
        catalogue.stripes.setRoot(no, null)
      }
      for (const { no } of found.idle) catalogue.shards.setLost(no, true)
      for (const no of plan.drop) catalogue.stripes.setState(no, 'retired')
      this.#moveUses(found)
      catalogue.setIndexed(number)
      if (needed.length + plan.drop.length > 0) catalogue.touch()
    })
    const gone = [...this.#dataShards(plan.drop), ...found.idle]
    await parts.index.drop(this.#entries(gone))
    await findAgain(parts, found.live, new Set(gone.map(({ no }) => no)))
    const repacked = await repack(this.#session, { ...found, ...this.#run })
    await this.#dropBodies()
    return { ...this.#counts(found), repacked, retiredShards: shards }
  }

  /** What `run` would do; `estimate` in bytes. */
  async estimate(rows: readonly SnapshotRow[]): Promise<Omit<SweepResult, 'retiredShards'> & { estimate: number }> {
    const found = await this.#find(rows)
    const { drop, repack: thin, newShards } = found.plan
    const stripes = this.#stripes([...drop, ...thin])
    const widest = Math.max(1, ...this.#stripes(thin).map(({ k, n }) => n / k))
    const waiting = this.#session.parts.catalogue.stripes.inState('retired')
    const shards = copies(stripes) + copies(waiting) + found.idle.length - newShards * widest
    return { ...this.#counts(found), repacked: thin.length, estimate: Math.max(0, Math.round(shards)) * SHARD_BYTES }
  }

  async #find(rows: readonly SnapshotRow[]): Promise<Found> {
    const { parts } = this.#session
    const { signal, progress } = this.#run
    const live = await tableOf(parts, signal)
    const walk = new LiveWalk(this.#session, live, signal)
    for (const list of parts.catalogue.heads.olderLists()) walk.chunk(list, 0)
    for (const [i, row] of rows.entries()) {
      await walk.snapshot(row)
      progress(progressOf('marking', i + 1, rows.length))
    }
    const pinned = new Set(
      readRoots(parts.catalogue).flatMap(({ stripes }) =>
        stripes.map(({ id }) => parts.catalogue.stripes.find(id)?.no),
      ),
    )
    // What other devices name they give up themselves.
    for (const no of parts.catalogue.others.ofTheLiving('stripes')) pinned.add(no)
    const uses = parts.catalogue.stripes
      .live()
      .map((stripe) => this.#useOf(stripe, { live, pinned: pinned.has(stripe.no) }))
    const needed = parts.catalogue.stripes
      .inState('retired')
      .filter((stripe) => this.#useOf(stripe, { live, pinned: pinned.has(stripe.no) }).live > 0)
    const idle = parts.catalogue.shards
      .unstriped()
      .filter((shard) => !shard.lost && !shard.parity && live.usesOf(shard.no).live === 0)
    return { live, plan: planSweep(uses), needed, idle, missing: walk.missing }
  }

  #useOf(stripe: StripeRow, { live, pinned }: { live: LiveSet; pinned: boolean }): StripeUse {
    const { no, k, n, state } = stripe
    const data = this.#session.parts.catalogue.shards.ofStripe(no).slice(0, k)
    const use = { chunks: 0, live: 0, liveBytes: 0, usedBytes: 0 }
    for (const shard of data) {
      const one = live.usesOf(shard.no)
      use.chunks += one.chunks
      use.live += one.live
      use.liveBytes += one.liveBytes
      use.usedBytes += shard.usedBytes
    }
    const unknown = data.some(({ usedBytes }) => usedBytes === 0)
    const busy = use.live > 0 && (state === 'queued' || data.some(({ lost }) => lost))
    return { no, k, n, ...use, ...(unknown ? { usedBytes: 0 } : {}), fixed: pinned || busy }
  }

  /**
   * Before stripes are given up the chunk index points to the copies that count: those elsewhere, and those in stripes
   * that another device counted on before they were released. Returns the number the catalogue has to commit under.
   */
  async #pointElsewhere({ live, needed }: Found, dead: readonly ShardRow[]): Promise<number> {
    const { catalogue, index } = this.#session.parts
    const back = needed.flatMap(({ no, k }) =>
      catalogue.shards
        .ofStripe(no)
        .slice(0, k)
        .map((shard) => shard.no),
    )
    const winners = new Set([...back, ...dead.flatMap(({ no }) => [...(live.superseded.get(no) ?? [])])])
    if (winners.size === 0) return catalogue.indexed
    const number = catalogue.indexed + 1
    const shards = [...winners].flatMap((no) => catalogue.shards.get(no) ?? [])
    await index.add(
      shards.map(({ no, id }) => ({ id, prefixes: live.own({ no, prefixes: catalogue.shards.prefixes(no) }) })),
      number,
    )
    return number
  }

  /** Sets of shards without those dropped; where another shard has the same chunk, with that one. */
  #moveUses({ live, plan, idle }: Found): void {
    const { snapshots } = this.#session.parts.catalogue
    const dead = [...this.#dataShards(plan.drop), ...idle].map(({ no }) => no)
    const plain = new Set(dead.filter((no) => !live.superseded.has(no)))
    if (plain.size > 0) snapshots.moveUses(plain, [])
    for (const no of dead) {
      const winners = live.superseded.get(no)
      if (winners !== undefined) snapshots.moveUses(new Set([no]), [...winners])
    }
  }

  #entries(shards: readonly ShardRow[]): { id: ShardRow['id']; prefixes: Uint8Array }[] {
    return shards.map(({ no, id }) => ({ id, prefixes: this.#session.parts.catalogue.shards.prefixes(no) }))
  }

  /** Bodies in the outbox that belong to nothing living any more, also those a crash left. */
  async #dropBodies(): Promise<void> {
    const { catalogue, outbox } = this.#session.parts
    const dead = catalogue.shards.inOutbox().filter(({ stripe, lost }) => {
      if (stripe === null) return lost
      const state = catalogue.stripes.get(stripe)?.state
      return state === 'retired' || state === 'released'
    })
    catalogue.commit(() => {
      catalogue.shards.leaveOutbox(dead.map(({ no }) => no))
    })
    await outbox.remove(dead.map(({ id }) => id))
  }

  #counts({ live, plan, idle, missing }: Found): Omit<SweepResult, 'repacked' | 'retiredShards'> {
    return {
      checkedChunks: live.table.size,
      liveChunks: live.count,
      missingChunks: missing,
      dropped: plan.drop.length,
      droppedBodies: idle.length,
    }
  }

  #stripes(nos: readonly number[]): StripeRow[] {
    return nos.flatMap((no) => this.#session.parts.catalogue.stripes.get(no) ?? [])
  }

  #dataShards(stripes: readonly number[]): ShardRow[] {
    const { shards } = this.#session.parts.catalogue
    return this.#stripes(stripes).flatMap(({ no, k }) => shards.ofStripe(no).slice(0, k))
  }
}

export function progressOf(phase: PruneProgress['phase'], done: number, total: number): PruneProgress {
  return { type: 'progress', phase, filesDone: done, filesTotal: total, bytesDone: 0, bytesTotal: 0, totalKnown: true }
}

function copies(stripes: readonly StripeRow[]): number {
  return stripes.reduce((sum, { n }) => sum + n, 0)
}

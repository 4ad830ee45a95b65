/**
 * Checking what is stored: every stripe's holders, optionally shard bodies, and every tree. Spec: docs/BACKUP_SYSTEM.md §
 * Verify. Invariant: what is found lost is remembered, so that the next backup stores it again.
 */
import { toHex } from '../../base/bytes.ts'
import { mapBounded, Semaphore } from '../../base/queue.ts'
import type { FetchOutcome, FetchRequest, HostFault, ShardId, StripeRecord } from '../../shard/index.ts'
import { isRemoteGroup, REMOTE_PEER } from '../remotes/remote-group.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { StripeRow } from '../catalogue/stripe-rows.ts'
import { needGrant } from '../engine-keys.ts'
import type { EventStream } from '../events.ts'
import { inSlab, withSlab } from '../kernel/shard-slabs.ts'
import { shardSet } from '../read/shard-sets.ts'
import type { BadShard, VerifyEvent, VerifyRequest, VerifySummary } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, listSnapshots, type NamedSnapshot } from '../snapshot/find.ts'
import type { CheckResult } from './check-job.ts'
import { TreeCheck } from './tree-check.ts'

const STRIPES_AT_ONCE = 8
const MAX_FILES = 1000

/** What was found of one shard; `unknown` when who may hold it does not answer. */
type Finding = 'intact' | 'gone' | 'unknown'

export class VerifyRun {
  readonly #session: Session
  readonly #request: VerifyRequest
  readonly #events: EventStream<VerifyEvent>
  readonly #signal: AbortSignal
  readonly #bad: BadShard[] = []
  readonly #lost = new Set<number>()
  /** Shards that cannot be had or rebuilt at this moment, by number. */
  readonly #unreadable = new Set<number>()
  /** What was found changes what the snapshots that were walked can rely on. */
  #outdated = false
  readonly #filesHit: { snapshot: string; path: string }[] = []
  readonly #snapshotsHit = new Set<string>()
  readonly #checked = { snapshots: 0, stripes: 0, shards: 0, bytes: 0 }
  /** Bodies being read, so that wide stripes do not fill the memory. */
  readonly #reads: Semaphore
  #done = 0
  #total = 0

  constructor(
    session: Session,
    request: VerifyRequest,
    run: { events: EventStream<VerifyEvent>; signal: AbortSignal },
  ) {
    this.#session = session
    this.#reads = new Semaphore(session.parts.options.fetchesInFlight)
    this.#request = request
    this.#events = run.events
    this.#signal = run.signal
  }

  async run(): Promise<VerifySummary> {
    const { parts } = this.#session
    const startedAt = parts.clock.elapsed()
    const { snapshot, readDataPercent = 0 } = this.#request
    if (readDataPercent > 0) needGrant(parts.keys, 'fetch')
    await parts.remotes.look()
    const named = snapshot === undefined ? listSnapshots(parts) : [findSnapshot(parts, snapshot)]
    const checks = await this.#checksOf(named, snapshot !== undefined)
    this.#total = checks.length
    const reading = parts.kernel.use(() => mapBounded(checks, STRIPES_AT_ONCE, (check) => check()))
    // Reading keeps the threads busy, walking this one.
    await bothOf(reading, this.#checkSnapshots(named))
    if (this.#outdated) await this.#checkSnapshots(named)
    return {
      type: 'summary',
      ok: this.#bad.length === 0 && this.#lost.size === 0 && this.#snapshotsHit.size === 0,
      checked: this.#checked,
      bad: this.#bad,
      lostStripes: [...this.#lost].map((no) => toHex(parts.catalogue.stripes.record(no).id)),
      snapshotsHit: [...this.#snapshotsHit],
      filesHit: this.#filesHit,
      seconds: (parts.clock.elapsed() - startedAt) / 1000,
    }
  }

  async #checkSnapshots(named: readonly NamedSnapshot[]): Promise<void> {
    this.#outdated = false
    this.#filesHit.length = 0
    this.#snapshotsHit.clear()
    this.#checked.snapshots = 0
    const reads = this.#session.parts.keys.grants.includes('fetch')
    const trees = this.#treeCheck()
    for (const one of named) await (reads ? this.#checkTree(one, trees) : this.#checkShards(one))
  }

  /** Every stripe, and where data is read, what waits here for its stripe. */
  async #checksOf(named: readonly NamedSnapshot[], narrow: boolean): Promise<(() => Promise<void>)[]> {
    const { catalogue } = this.#session.parts
    const shards = narrow ? await this.#shardsOf(named) : undefined
    const stripes = shards && new Set([...shards].map((no) => catalogue.shards.get(no)?.stripe))
    const live = catalogue.stripes.live().filter(({ no }) => stripes?.has(no) !== false)
    const waiting = catalogue.shards.unstriped().filter(({ no, inOutbox }) => inOutbox && shards?.has(no) !== false)
    return [
      ...live.map((stripe) => () => this.#checkStripe(stripe)),
      ...waiting.filter(() => this.#drawn()).map((shard) => () => this.#checkWaiting(shard)),
    ]
  }

  async #shardsOf(named: readonly NamedSnapshot[]): Promise<Set<number>> {
    const shards = new Set<number>()
    for (const one of named) for (const no of await shardSet(this.#session, one, this.#signal)) shards.add(no)
    return shards
  }

  /** Whether a shard is among those that are read. */
  #drawn(): boolean {
    const { readDataPercent = 0 } = this.#request
    return readDataPercent > 0 && this.#session.parts.random.below(10_000) < readDataPercent * 100
  }

  /** Lies here alone. The next backup that finds it damaged stores it again. */
  async #checkWaiting(shard: ShardRow): Promise<void> {
    this.#signal.throwIfAborted()
    const { shards } = this.#session.parts.catalogue
    if (!(await this.#readBody(shard)) && shards.get(shard.no)?.inOutbox === true) {
      const where = { shardId: toHex(shard.id), stripe: null, index: 0 }
      this.#bad.push({ ...where, peer: null, why: 'corrupt', detail: 'damaged before a host had it' })
      this.#unreadable.add(shard.no)
      this.#outdated = true
    }
    this.#done++
    this.#progress()
  }

  async #checkStripe(row: StripeRow): Promise<void> {
    this.#signal.throwIfAborted()
    const { catalogue } = this.#session.parts
    const stripe = catalogue.stripes.record(row.no)
    const shards = catalogue.shards.ofStripe(row.no)
    const found = await mapBounded([...stripe.ids.keys()], stripe.n, async (index): Promise<Finding> => {
      const read = this.#drawn()
      const here = shards[index]
      if (here?.inOutbox === true && (!read || (await this.#readBody(here)))) return 'intact'
      return read ? this.#readShard(stripe, index) : this.#askHolders(stripe, index)
    })
    const count = (finding: Finding): number => found.filter((each) => each === finding).length
    if (count('intact') < stripe.k) {
      this.#lost.add(row.no)
      for (const [i, shard] of shards.entries()) if (found[i] !== 'intact') this.#unreadable.add(shard.no)
      this.#outdated = true
    }
    // Holders that are merely out of reach may come back: their shards are not stored again.
    const lost = count('intact') + count('unknown') < stripe.k
    const isLost = (i: number): boolean => lost && found[i] !== 'intact'
    const changed = shards.filter((shard, i) => shard.lost !== isLost(i))
    if (changed.length > 0) {
      catalogue.commit(() => {
        changed.forEach((shard) => {
          catalogue.shards.setLost(shard.no, !shard.lost)
        })
      })
      this.#outdated = true
    }
    this.#checked.stripes++
    this.#done++
    this.#progress()
  }

  /** Of what still waits in the outbox; false where it went bad, or left it at this moment. */
  #readBody({ id, parity }: ShardRow): Promise<boolean> {
    const { outbox } = this.#session.parts
    return this.#reads.run(
      () =>
        withSlab(async (slab) => {
          const bytes = await outbox.read(id, slab).catch(() => undefined)
          if (bytes === undefined) return false
          const { ok } = await this.#look(bytes, id, !parity)
          if (!ok) outbox.suspect()
          return ok
        }),
      this.#signal,
    )
  }

  /** The body itself, from whoever has it; a thread looks at it and into it. */
  #readShard(stripe: StripeRecord, index: number): Promise<Finding> {
    return this.#reads.run(() => withSlab((slab) => this.#readInto(slab, stripe, index)), this.#signal)
  }

  async #readInto(slab: Uint8Array, stripe: StripeRecord, index: number): Promise<Finding> {
    const hasty = await this.#fetch({ stripe, index, into: slab })
    const looked = hasty.ok ? await this.#lookAt(hasty.bytes, stripe, index) : undefined
    if (looked?.ok === true) {
      for (const fault of hasty.faults) this.#addBad(stripe, index, fault)
      return 'intact'
    }
    // Whoever gave the wrong bytes is named, and whoever has the right ones is found, by who checks while asking.
    const outcome = looked?.stage === 'root' ? await this.#fetch({ stripe, index }) : hasty
    return this.#judge(stripe, index, outcome)
  }

  #fetch(request: FetchRequest): Promise<FetchOutcome> {
    const { hosts, network } = this.#session.parts
    // Hosts are held to what they owe, whatever lies on remotes besides.
    return (isRemoteGroup(request.stripe.group) ? network : hosts).fetch(request, this.#signal)
  }

  #lookAt(bytes: Uint8Array, stripe: StripeRecord, index: number): Promise<CheckResult> {
    const id = stripe.ids[index]
    if (id === undefined) return Promise.resolve({ ok: false, stage: 'root', why: 'no such shard' })
    return this.#look(bytes, id, index < stripe.k)
  }

  async #look(bytes: Uint8Array, id: ShardId, inside: boolean): Promise<CheckResult> {
    const { kernel } = this.#session.parts
    const looked = await inSlab(bytes, (shared) => kernel.run('check', { shard: { bytes: shared, id }, inside }))
    if (looked.ok) {
      this.#checked.shards++
      this.#checked.bytes += bytes.length
    }
    return looked
  }

  async #judge(stripe: StripeRecord, index: number, outcome: FetchOutcome): Promise<Finding> {
    for (const fault of outcome.faults) this.#addBad(stripe, index, fault)
    if (!outcome.ok) {
      if (outcome.faults.length === 0) this.#addBad(stripe, index, null)
      if (!isRemoteGroup(stripe.group) && (await this.#onRemote(stripe, index))) return 'intact'
      return outcome.faults.some(({ why }) => why !== 'missing' && why !== 'corrupt') ? 'unknown' : 'gone'
    }
    const looked = await this.#lookAt(outcome.bytes, stripe, index)
    if (looked.ok) return 'intact'
    this.#addBad(stripe, index, { peer: outcome.from, why: 'corrupt', detail: looked.why })
    return 'gone'
  }

  async #askHolders(stripe: StripeRecord, index: number): Promise<Finding> {
    const holders = await this.#session.parts.network.locate({ stripe, index }, this.#signal)
    this.#checked.shards++
    const held = holders.filter(({ state }) => state === 'held').map(({ peer }) => peer)
    if (held.some((peer) => peer !== REMOTE_PEER) || isRemoteGroup(stripe.group)) {
      if (held.length > 0) return 'intact'
    }
    for (const { peer, state } of holders.filter((holder) => holder.state !== 'held')) {
      const why = state === 'unreachable' ? 'offline' : 'missing'
      this.#addBad(stripe, index, { peer, why, detail: state })
    }
    if (holders.length === 0) this.#addBad(stripe, index, null)
    if (held.length > 0) return 'intact'
    return holders.some(({ state }) => state === 'unreachable') ? 'unknown' : 'gone'
  }

  async #onRemote(stripe: StripeRecord, index: number): Promise<boolean> {
    const id = stripe.ids[index]
    const bytes = id === undefined ? undefined : await this.#session.parts.network.readRemote(id)
    if (bytes === undefined) return false
    this.#checked.bytes += bytes.length
    return true
  }

  #addBad(stripe: StripeRecord, index: number, fault: HostFault | null): void {
    const id = stripe.ids[index]
    this.#bad.push({
      shardId: id === undefined ? '' : toHex(id),
      stripe: toHex(stripe.id),
      index,
      peer: fault?.peer ?? null,
      why: fault?.why ?? 'missing',
      detail: fault?.detail ?? 'no holder known',
    })
  }

  /** Metadata of a snapshot is read; content is held against the stripes found lost. */
  async #checkTree({ snapshot }: NamedSnapshot, trees: TreeCheck): Promise<void> {
    const paths = new Set<string>()
    await trees.check(snapshot.tree, (path) => {
      if (paths.size < MAX_FILES) paths.add(path)
    })
    if (paths.size > 0) this.#snapshotsHit.add(snapshot.id)
    for (const path of [...paths].sort())
      if (this.#filesHit.length < MAX_FILES) this.#filesHit.push({ snapshot: snapshot.id, path })
    this.#checked.snapshots++
    this.#progress()
  }

  #treeCheck(): TreeCheck {
    const { chunks, parts } = this.#session
    const locate = chunks.streamLocator()
    return new TreeCheck({
      kernel: parts.kernel,
      tree: this.#session.tree(this.#signal),
      read: (id) => chunks.read(id, this.#signal),
      isThere: (chunk) => {
        const shard = locate(chunk)
        return shard === undefined ? parts.inline.holds(chunk) : !this.#isLost(shard)
      },
      signal: this.#signal,
    })
  }

  /** A write-only device cannot read its trees back, but knows which shards each snapshot needs. */
  async #checkShards(one: NamedSnapshot): Promise<void> {
    for (const no of await shardSet(this.#session, one, this.#signal))
      if (no !== 0 && this.#isLost(this.#session.parts.catalogue.shards.get(no)))
        this.#snapshotsHit.add(one.snapshot.id)
    this.#checked.snapshots++
    this.#progress()
  }

  #isLost(shard: ShardRow | undefined): boolean {
    if (shard === undefined) return true
    return shard.lost || this.#unreadable.has(shard.no) || (shard.stripe === null && !shard.inOutbox)
  }

  #progress(): void {
    const { bytes } = this.#checked
    const filesTotal = this.#total
    this.#events.progress(() => ({
      type: 'progress',
      filesDone: this.#done,
      filesTotal,
      bytesDone: bytes,
      bytesTotal: bytes,
      totalKnown: true,
    }))
  }
}

/** Waits for both, whatever becomes of one; throws what the first of them threw. */
async function bothOf(...work: [Promise<unknown>, Promise<unknown>]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
}

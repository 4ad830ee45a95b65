/**
 * One prune from reading heads to releasing. Spec: docs/spec/04-snapshot-and-head.md § Pruning.
 * Invariants: nothing live is given up; each step is one commit after which a crash is made up for by running it again;
 * while it decides nobody writes.
 */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { openAuthority } from '../../crypto/authority.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { SHARD_BYTES } from '../../shard/index.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import { needGrant } from '../engine-keys.ts'
import type { EventStream } from '../events.ts'
import { headShows } from '../health.ts'
import { hostNote } from '../notes.ts'
import type { PruneEvent, PruneRequest, PruneSummary } from '../requests.ts'
import type { Session } from '../session.ts'
import { ripeness, type Ripeness } from './marks.ts'
import { knownOutside, namedSnapshots, readOthers } from './other-heads.ts'
import { releaseRetired } from './release.ts'
import { unite } from './unite.ts'
import { Sweep, type SweepResult } from './sweep.ts'

export class PruneRun {
  readonly #session: Session
  readonly #request: PruneRequest
  readonly #events: EventStream<PruneEvent>
  readonly #signal: AbortSignal
  readonly #startedAt: number

  constructor(session: Session, request: PruneRequest, run: { events: EventStream<PruneEvent>; signal: AbortSignal }) {
    this.#session = session
    this.#request = request
    this.#events = run.events
    this.#signal = run.signal
    this.#startedAt = session.parts.clock.elapsed()
  }

  async run(): Promise<PruneSummary> {
    const session = this.#session
    const { catalogue } = session.parts
    const signal = this.#signal
    // Heads of other devices and stripes to repack are read, and what goes is released.
    needGrant(session.parts.keys, 'fetch')
    needGrant(session.parts.keys, 'release')
    await session.placer.settle()
    await unite(session, signal)
    if (this.#request.dryRun === true) return this.#dryRun()
    const released = catalogue.stripes.releasedShards()
    const live = catalogue.stripes.liveShards()
    await this.#publish()
    const { ripe, waitingFor, needless } = await this.#readMarks()
    const sweep = new Sweep(session, { signal, progress: (progress) => this.#events.progress(() => progress) })
    const { rows, gone } = this.#rows(ripe)
    const swept = await sweep.run({ rows, gone, needless })
    await this.#publish()
    const left = await releaseRetired(session, signal)
    const freed = catalogue.stripes.releasedShards() - released
    const written =
      swept.repacked === 0 ? 0 : Math.max(0, catalogue.stripes.liveShards() - (live - swept.retiredShards))
    return this.#summary(swept, {
      freedBytes: Math.max(0, freed - written) * SHARD_BYTES + swept.droppedBodies * SHARD_BYTES,
      waitingFor,
      waitingStripes: left,
      waitingSnapshots: catalogue.snapshots.forgotten().length,
    })
  }

  /** What would happen if everybody knew of every forgotten snapshot, and of those the request names. */
  async #dryRun(): Promise<PruneSummary> {
    const { catalogue } = this.#session.parts
    const without = new Set(this.#request.without ?? [])
    const rows = catalogue.snapshots.all().filter(({ id }) => !without.has(toHex(id)))
    const progress = (event: PruneEvent): void => this.#events.progress(() => event)
    const { estimate, ...swept } = await new Sweep(this.#session, { signal: this.#signal, progress }).estimate(rows)
    return this.#summary(swept, { freedBytes: estimate, waitingFor: [], waitingStripes: 0, waitingSnapshots: 0 })
  }

  /**
   * The head tells what was forgotten, or what is no longer needed. A vault that nobody else can know of needs none.
   * Throws `STORAGE_TOO_FEW_HOSTS` when hosts have a head but do not take a newer one.
   */
  async #publish(): Promise<void> {
    const { parts } = this.#session
    await this.#session.placeAndPublish(this.#signal, (note) => hostNote(note, this.#events))
    if (headShows(parts) || !knownOutside(parts)) return
    throw new PlexiError(
      'STORAGE_TOO_FEW_HOSTS',
      {},
      { message: 'no host takes the head; prune goes on when run again' },
    )
  }

  /** Which forgotten snapshots may be given up, whom the others wait for, and which tombstones nobody needs any more. */
  async #readMarks(): Promise<Ripeness & { needless: Uint8Array[] }> {
    const { parts } = this.#session
    const { catalogue, clock } = parts
    const others = await readOthers(parts, this.#signal)
    const blind = whoReadsNothing(parts)
    const readers = await Promise.all(
      others.map(async ({ device, hidden, heads }) => {
        const named = await Promise.all(heads.map((head) => namedSnapshots(this.#session, head, this.#signal)))
        const buried = heads.map(({ body }) => new Set<string>(body.tombstones))
        // Whoever reads what others made may rely on it, whether its head says so yet or not: until it knows the mark.
        const apart = (i: number, id: string): boolean => blind.has(device) && named[i]?.has(id) === false
        const knows = (i: number, id: string): boolean => buried[i]?.has(id) === true || apart(i, id)
        const cites = (id: string): boolean => heads.length > 0 && heads.every((_, i) => knows(i, id))
        const names = (id: string): boolean => named.some((set) => set === undefined || set.has(id))
        return { device, hidden, cites, names: (id: string) => hidden || names(id) }
      }),
    )
    const all = catalogue.retention.tombstones().map(({ id, published }) => ({ raw: id, id: toHex(id), published }))
    const rows = new Set(catalogue.snapshots.forgotten().map(({ id }) => toHex(id)))
    const marks = all.filter(({ id }) => rows.has(id))
    const told = ripeness(marks, readers, clock.now())
    const ripe = new Set(told.ripe)
    const needless = all.filter(({ id }) => (!rows.has(id) || ripe.has(id)) && !readers.some((one) => one.names(id)))
    return { ...told, needless: needless.map(({ raw }) => raw) }
  }

  /** Snapshots that still count, and forgotten ones that do no longer. */
  #rows(ripe: readonly string[]): { rows: SnapshotRow[]; gone: SnapshotRow[] } {
    const { snapshots } = this.#session.parts.catalogue
    const given = new Set(ripe)
    const forgotten = snapshots.forgotten()
    const gone = forgotten.filter(({ id }) => given.has(toHex(id)))
    return { rows: [...snapshots.all(), ...forgotten.filter((row) => !gone.includes(row))], gone }
  }

  #summary(
    { checkedChunks, liveChunks, missingChunks, dropped, repacked, droppedBodies }: Omit<SweepResult, 'retiredShards'>,
    rest: Pick<PruneSummary, 'freedBytes' | 'waitingFor' | 'waitingStripes' | 'waitingSnapshots'>,
  ): PruneSummary {
    const { clock } = this.#session.parts
    return {
      type: 'summary',
      dryRun: this.#request.dryRun === true,
      ...rest,
      ...{ checkedChunks, liveChunks, missingChunks, dropped, repacked, droppedBodies },
      seconds: (clock.elapsed() - this.#startedAt) / 1000,
    }
  }
}

/** Write-only devices: they take nothing in of others, rely on nothing of theirs, and cite no mark. */
function whoReadsNothing({ keys }: Session['parts']): ReadonlySet<PeerKey> {
  const { devices } = openAuthority(keys.authority, { key: keys.shared.authority, vault: keys.vault })
  const blind = devices.filter(({ content }) => !content.grants.includes('fetch'))
  return new Set(blind.map(({ content }) => content.peer))
}

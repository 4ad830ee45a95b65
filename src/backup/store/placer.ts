/**
 * Bringing stripes to hosts, several at once, while sealing goes on. Spec: docs/spec/03-stripe.md § Placing.
 * Invariants: nothing counts without a receipt; a body leaves the outbox only when its stripe is placed and it has one.
 */
import { toHex } from '../../base/bytes.ts'
import { Semaphore } from '../../base/queue.ts'
import { toPlexiError } from '../../base/errors.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { placedThreshold, type HostFault, type Receipt, type ShardId } from '../../shard/index.ts'
import { GroupCommit } from '../catalogue/group-commit.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { Parts } from '../parts.ts'

export type PlacementNote =
  | { readonly type: 'fault'; readonly shardId: ShardId; readonly fault: HostFault }
  | { readonly type: 'replaced'; readonly from: PeerKey; readonly to: PeerKey }
  | { readonly type: 'receipt'; readonly shardId: ShardId; readonly host: PeerKey }

/** Stripes of a single shard that take the place of one with many. */
const NARROW = 4

export class Placer {
  readonly #parts: Parts
  readonly #wide: Semaphore
  readonly #narrow: Semaphore
  readonly #commits: GroupCommit
  /** Stripes on their way, by number. */
  readonly #running = new Map<number, Promise<void>>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#wide = new Semaphore(parts.options.stripesInFlight)
    this.#narrow = new Semaphore(parts.options.stripesInFlight * NARROW)
    this.#commits = new GroupCommit(parts)
  }

  /** Starts placing a stripe unless it is on its way already. Never rejects; `settle` waits for it. */
  start(stripe: number, signal: AbortSignal, note: (note: PlacementNote) => void): void {
    if (this.#running.has(stripe)) return
    const places = this.#parts.catalogue.stripes.get(stripe)?.n === 1 ? this.#narrow : this.#wide
    const work = places
      .run(() => this.#place(stripe, signal, note), signal)
      .catch((error: unknown) => {
        if (!signal.aborted)
          this.#parts.log.warn('a stripe could not be placed', { stripe, error: toPlexiError(error).message })
      })
      .finally(() => this.#running.delete(stripe))
    this.#running.set(stripe, work)
  }

  /** Starts everything that lacks receipts. */
  startQueued(signal: AbortSignal, note: (note: PlacementNote) => void): void {
    for (const stripe of this.#parts.catalogue.stripes.inState('queued')) this.start(stripe.no, signal, note)
  }

  /** Waits until nothing is on its way. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values())
  }

  async #place(stripe: number, signal: AbortSignal, note: (note: PlacementNote) => void): Promise<void> {
    const { catalogue, network, outbox } = this.#parts
    const row = catalogue.stripes.get(stripe)
    if (row?.state !== 'queued') return
    const record = catalogue.stripes.record(stripe)
    const held = new Set(catalogue.stripes.receipts(stripe).keys())
    const idOf = (index: number): ShardId => record.ids[index] as ShardId
    const request = {
      ...{ stripe: record, held },
      read: (index: number) => outbox.read(idOf(index)),
      file: (index: number) => outbox.path(idOf(index)),
    }
    const recorded: Promise<void>[] = []
    try {
      for await (const event of network.place(request, signal)) {
        if (event.type === 'receipt') {
          const recording = this.#record(stripe, event).then(() => {
            note({ type: 'receipt', shardId: idOf(event.index), host: event.receipt.host })
          })
          // What fails is told when the network has done what it can.
          recording.catch(() => undefined)
          recorded.push(recording)
        } else if (event.type === 'fault') note({ type: 'fault', shardId: idOf(event.index), fault: event.fault })
        else if (event.type === 'unreadable') {
          this.#parts.log.warn('a sealed shard cannot be read', {
            shard: toHex(idOf(event.index)),
            error: event.error.message,
          })
          outbox.suspect()
        } else if (event.type === 'replaced') note({ type: 'replaced', from: event.from, to: event.to })
      }
      recorded.push(this.#settleStripe(stripe))
    } finally {
      await Promise.allSettled(recorded)
    }
    await Promise.all(recorded)
  }

  #record(stripe: number, { index, receipt }: { index: number; receipt: Receipt }): Promise<void> {
    return this.#commits.add(() => {
      this.#parts.catalogue.stripes.addReceipt(stripe, index, receipt)
    })
  }

  /** Frees bodies that are safe elsewhere. The catalogue first: a file without its mark is removed at the next start. */
  async #settleStripe(stripe: number): Promise<void> {
    let free: ShardRow[] = []
    await this.#commits.add(() => {
      free = this.#settled(stripe)
    })
    await this.#parts.outbox.remove(free.map(({ id }) => id))
  }

  /** Records how far a stripe has come, inside a commit. Returns the bodies that are not needed here any more. */
  #settled(stripe: number): ShardRow[] {
    const { catalogue } = this.#parts
    const row = catalogue.stripes.get(stripe)
    if (row?.state !== 'queued') return []
    const receipts = catalogue.stripes.receipts(stripe)
    if (receipts.size < placedThreshold(row)) return []
    const shards = catalogue.shards.ofStripe(stripe)
    // With k = 1 one body serves several positions: it stays until all of them are served.
    const wanted = new Set(shards.filter((shard) => !receipts.has(shard.position ?? -1)).map((shard) => shard.no))
    const bodies = new Map(shards.filter((shard) => shard.inOutbox && !wanted.has(shard.no)).map((s) => [s.no, s]))
    catalogue.shards.leaveOutbox([...bodies.keys()])
    if (receipts.size === row.n) catalogue.stripes.setState(stripe, 'placed')
    return [...bodies.values()]
  }
}

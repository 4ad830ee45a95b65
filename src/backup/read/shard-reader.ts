/**
 * Getting one shard back: outbox, its host, or any k others of its stripe. Spec: docs/spec/03-stripe.md § Reading.
 * Invariants: bytes are checked against the shard id wherever they come from; a stripe is rebuilt once for everybody
 * who waits for it; memory is bounded by the cache and the fetches in flight.
 */
import { toHex, view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { Semaphore } from '../../base/queue.ts'
import {
  openShard,
  reconstruct,
  verifyShard,
  type HostFault,
  type OpenedShard,
  type ShardId,
  type StripeRecord,
} from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import { epochKeyOf, needGrant } from '../engine-keys.ts'
import { withSlab } from '../kernel/shard-slabs.ts'
import type { Parts } from '../parts.ts'

/** A host that failed while a shard was read, for reports. */
export interface ShardFault {
  readonly shardId: ShardId
  readonly fault: HostFault
}

interface Rebuild {
  readonly no: number
  readonly stripe: StripeRecord
  /** Index that was tried in vain already. */
  readonly skip: number
}

export class ShardReader {
  readonly #parts: Parts
  readonly #fetches: Semaphore
  readonly #opened = new Map<string, OpenedShard>()
  readonly #opening = new Map<string, Promise<OpenedShard>>()
  readonly #rebuilding = new Map<number, Promise<Map<number, Uint8Array>>>()
  /** Called for every host fault met, also when the shard was read in the end. */
  onFault: (fault: ShardFault) => void = () => undefined

  constructor(parts: Parts) {
    this.#parts = parts
    this.#fetches = new Semaphore(parts.options.fetchesInFlight)
  }

  /**
   * Sealed bytes of a shard. Throws `STORAGE_UNRESTORABLE` when neither it nor k others of its stripe can be had,
   * `AUTH_GRANT_MISSING` on a write-only device.
   */
  async bytes(row: ShardRow, signal: AbortSignal): Promise<Uint8Array> {
    const own = await this.#fromOutbox(row)
    if (own !== undefined) return own
    if (row.stripe === null || row.position === null) throw unrestorable(row.id)
    this.#checkMayFetch()
    const stripe = this.#parts.catalogue.stripes.record(row.stripe)
    const direct = await this.#fetch(stripe, row.position, signal)
    if (direct !== undefined) return direct
    const rebuilt = (await this.#rebuild({ no: row.stripe, stripe, skip: row.position }, signal)).get(row.position)
    if (rebuilt === undefined || !verifyShard(rebuilt, row.id)) throw unrestorable(row.id)
    return rebuilt
  }

  /**
   * Sealed bytes as the outbox or the first host gave them, perhaps in `into`: the caller checks them. Undefined when
   * `bytes` has to find another way.
   */
  async unchecked(row: ShardRow, into: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (row.inOutbox) {
      const own = await this.#parts.outbox.read(row.id, into).catch(() => undefined)
      if (own !== undefined) return own
    }
    if (row.stripe === null || row.position === null) return undefined
    this.#checkMayFetch()
    const stripe = this.#parts.catalogue.stripes.record(row.stripe)
    const request = { stripe, index: row.position, into }
    const outcome = await this.#fetches.run(() => this.#parts.network.fetch(request, signal), signal)
    for (const fault of outcome.faults) this.onFault({ shardId: row.id, fault })
    return outcome.ok ? outcome.bytes : undefined
  }

  /** An opened shard, kept for a while: for metadata and small reads. */
  async open(row: ShardRow, signal: AbortSignal): Promise<OpenedShard> {
    const key = view(row.id).toString('latin1')
    const cached = this.#opened.get(key)
    if (cached !== undefined) {
      this.#opened.delete(key)
      this.#opened.set(key, cached)
      return cached
    }
    const running = this.#opening.get(key) ?? this.#openNow(row, signal).finally(() => this.#opening.delete(key))
    this.#opening.set(key, running)
    const opened = await running
    this.#keep(key, opened)
    return opened
  }

  /** An opened shard that is not kept: for reading everything once. */
  async openOnce(row: ShardRow, signal: AbortSignal): Promise<OpenedShard> {
    return this.#opened.get(view(row.id).toString('latin1')) ?? this.#openNow(row, signal)
  }

  /** Without garbage of a MiB, where the first to be asked has it. */
  async #openNow(row: ShardRow, signal: AbortSignal): Promise<OpenedShard> {
    const epochKey = epochKeyOf(this.#parts.keys)
    const opened = await withSlab(async (slab) => {
      const bytes = await this.unchecked(row, slab, signal)
      return bytes !== undefined && verifyShard(bytes, row.id) ? openShard(bytes, { epochKey }) : undefined
    })
    return opened ?? openShard(await this.bytes(row, signal), { epochKey })
  }

  #keep(key: string, opened: OpenedShard): void {
    this.#opened.set(key, opened)
    const oldest = this.#opened.keys().next()
    if (this.#opened.size > this.#parts.options.openShards && oldest.done !== true) this.#opened.delete(oldest.value)
  }

  async #fromOutbox(row: ShardRow): Promise<Uint8Array | undefined> {
    if (this.#parts.catalogue.shards.get(row.no)?.inOutbox !== true) return undefined
    try {
      const bytes = await this.#parts.outbox.read(row.id)
      if (verifyShard(bytes, row.id)) return bytes
      this.#parts.outbox.suspect()
      this.#parts.log.warn('a shard in the outbox is damaged', { shardId: toHex(row.id) })
    } catch {
      // Placed and removed in this moment: a host has it.
    }
    return undefined
  }

  /** Hosts give a write-only device nothing: they are not even asked. Its own disks are another matter. */
  #checkMayFetch(): void {
    const { keys, remotes } = this.#parts
    if (remotes.readable().length === 0) needGrant(keys, 'fetch')
  }

  async #fetch(stripe: StripeRecord, index: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const outcome = await this.#fetches.run(() => this.#parts.network.fetch({ stripe, index }, signal), signal)
    const shardId = stripe.ids[index] as ShardId
    for (const fault of outcome.faults) this.onFault({ shardId, fault })
    if (!outcome.ok) return undefined
    if (verifyShard(outcome.bytes, shardId)) return outcome.bytes
    this.onFault({ shardId, fault: { peer: outcome.from, why: 'corrupt', detail: 'not the bytes of this shard' } })
    return undefined
  }

  /** All data shards of a stripe from any k of its shards. Shared by everybody who asks at the same time. */
  #rebuild(job: Rebuild, signal: AbortSignal): Promise<Map<number, Uint8Array>> {
    const { no } = job
    const running = this.#rebuilding.get(no) ?? this.#rebuildNow(job, signal).finally(() => this.#rebuilding.delete(no))
    this.#rebuilding.set(no, running)
    return running
  }

  async #rebuildNow({ no, stripe, skip }: Rebuild, signal: AbortSignal): Promise<Map<number, Uint8Array>> {
    const shares = new Array<Uint8Array | undefined>(stripe.n).fill(undefined)
    let have = 0
    let next = 0
    const rows = this.#parts.catalogue.shards.ofStripe(no)
    const worker = async (): Promise<void> => {
      while (have < stripe.k && next < stripe.n) {
        const index = next++
        if (index === skip) continue
        const row = rows[index]
        const own = row === undefined ? undefined : await this.#fromOutbox(row)
        const bytes = own ?? (await this.#fetch(stripe, index, signal))
        if (bytes === undefined || have >= stripe.k) continue
        shares[index] = bytes
        have++
      }
    }
    await Promise.all(Array.from({ length: stripe.k }, worker))
    if (have < stripe.k) return new Map()
    const want = Array.from({ length: stripe.k }, (_, i) => i)
    const data = reconstruct({ k: stripe.k, n: stripe.n }, shares, want)
    return new Map(want.map((index, i) => [index, data[i] as Uint8Array]))
  }
}

export function unrestorable(id: ShardId): PlexiError {
  return new PlexiError('STORAGE_UNRESTORABLE', { lost: 1, shardId: toHex(id) })
}

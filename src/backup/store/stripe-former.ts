/**
 * Sealed data shards → stripes with parity, once a placement group is known. Spec: docs/spec/03-stripe.md § Stripe.
 * Invariant: data shards never change; parity is durable in the outbox before the catalogue names the stripe.
 */
import {
  encodeParity,
  shardRoot,
  shortStripe,
  stripeRecord,
  type PlacementGroup,
  type ShardId,
} from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { Parts } from '../parts.ts'

type Shape = ReturnType<typeof shortStripe>

/** A stripe that the catalogue does not know yet. */
interface Draft {
  readonly shape: Shape
  readonly data: readonly ShardRow[]
  /** Empty with k = 1. */
  readonly parity: readonly ShardId[]
}

/**
 * Each commit has its price. Stripes with parity are recorded one by one: what a crash leaves of the next one's parity
 * nobody knows of.
 */
const STRIPES_PER_COMMIT = 16

export class StripeFormer {
  readonly #parts: Parts
  #group: PlacementGroup | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get group(): PlacementGroup | undefined {
    return this.#group
  }

  /** Asks the network for the group of new stripes. */
  async refresh(signal: AbortSignal): Promise<PlacementGroup | undefined> {
    this.#group = await this.#parts.network.currentGroup(signal)
    return this.#group
  }

  /** Forms every full stripe; with `tail` also a short one of what is left. Returns their numbers. */
  async form(tail: boolean): Promise<number[]> {
    const group = this.#group
    if (group === undefined) return []
    const waiting = this.#parts.catalogue.shards.unstriped().filter((shard) => !shard.lost && !shard.parity)
    const formed: number[] = []
    let drafts: Draft[] = []
    for (let at = 0; at < waiting.length; at += group.k) {
      const data = waiting.slice(at, at + group.k)
      if (data.length < group.k && !tail) break
      const draft = await this.#draft(group, data)
      drafts.push(draft)
      if (draft.parity.length === 0 && drafts.length < STRIPES_PER_COMMIT) continue
      formed.push(...(await this.#record(group, drafts)))
      drafts = []
    }
    return drafts.length === 0 ? formed : [...formed, ...(await this.#record(group, drafts))]
  }

  /** Its parity is written, not yet synced. With k = 1 parity is the data shard itself, which is there already. */
  async #draft(group: PlacementGroup, data: readonly ShardRow[]): Promise<Draft> {
    const shape = shortStripe(data.length, group, group.returnRates)
    return { shape, data, parity: shape.k > 1 && shape.n > shape.k ? await this.#parity(shape, data) : [] }
  }

  async #parity(shape: Shape, data: readonly ShardRow[]): Promise<ShardId[]> {
    const { outbox } = this.#parts
    const bodies = await Promise.all(data.map((shard) => outbox.read(shard.id)))
    const parity = encodeParity(shape, bodies).map((bytes) => ({ id: shardRoot(bytes), bytes }))
    const ended = await Promise.allSettled(parity.map(({ id, bytes }) => outbox.put(id, bytes)))
    const failed = ended.find((end) => end.status === 'rejected')
    if (failed === undefined) return parity.map(({ id }) => id)
    await this.#forget(parity.filter((_, i) => ended[i]?.status === 'fulfilled').map(({ id }) => id))
    throw failed.reason as Error
  }

  async #record(group: PlacementGroup, drafts: readonly Draft[]): Promise<number[]> {
    const { catalogue, outbox } = this.#parts
    const parity = drafts.flatMap((draft) => draft.parity)
    try {
      if (parity.length > 0) await outbox.sync()
      return catalogue.commit(() => {
        catalogue.touch()
        return drafts.map((draft) => this.#add(group, draft))
      })
    } catch (error) {
      await this.#forget(parity)
      throw error
    }
  }

  /** Parity the catalogue does not name: the next try writes, and counts, all of it again. */
  async #forget(parity: readonly ShardId[]): Promise<void> {
    if (parity.length > 0) await this.#parts.outbox.remove(parity).catch(() => undefined)
  }

  #add(group: PlacementGroup, { shape, data, parity }: Draft): number {
    const { stripes, shards } = this.#parts.catalogue
    const ids = shape.k === 1 ? Array<ShardId>(shape.n).fill((data[0] as ShardRow).id) : idsOf(data, parity)
    const stripe = stripes.add(stripeRecord({ ...shape, ids, group: group.id }), 'queued')
    data.forEach((shard, position) => {
      shards.setStripe(shard.no, stripe, position)
    })
    parity.forEach((id, i) => {
      const shard = { id, parity: true, kind: 0, epoch: 0, usedBytes: 0, prefixes: new Uint8Array(0), inOutbox: true }
      shards.add({ ...shard, stripe, position: shape.k + i })
    })
    return stripe
  }
}

function idsOf(data: readonly ShardRow[], parity: readonly ShardId[]): ShardId[] {
  return [...data.map(({ id }) => id), ...parity]
}

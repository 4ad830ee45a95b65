/**
 * Sealed data shards → stripes with parity, once a placement group is known. Spec: docs/spec/03-stripe.md § Stripe.
 * Invariant: data shards never change; parity is durable in the outbox before the catalogue names the stripe.
 */
import { encodeParity, shardRoot, shortStripe, stripeRecord, type PlacementGroup } from '../../shard/index.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { Parts } from '../parts.ts'

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
    for (let at = 0; at < waiting.length; at += group.k) {
      const data = waiting.slice(at, at + group.k)
      if (data.length < group.k && !tail) break
      formed.push(await this.#formOne(group, data))
    }
    return formed
  }

  async #formOne(group: PlacementGroup, data: readonly ShardRow[]): Promise<number> {
    const { catalogue, outbox } = this.#parts
    const shape = shortStripe(data.length, group, group.returnRates)
    const bodies = await Promise.all(data.map((shard) => outbox.read(shard.id)))
    const parity =
      shape.n > shape.k ? encodeParity(shape, bodies).map((bytes) => ({ id: shardRoot(bytes), bytes })) : []
    // With k = 1 parity is the data shard itself, which is there already.
    const fresh = shape.k === 1 ? [] : parity
    await Promise.all(fresh.map(({ id, bytes }) => outbox.put(id, bytes)))
    if (fresh.length > 0) await outbox.sync()
    const ids = [...data, ...parity].map((shard) => shard.id)
    return catalogue.commit(() => {
      const stripe = catalogue.stripes.add(stripeRecord({ ...shape, ids, group: group.id }), 'queued')
      data.forEach((shard, position) => {
        catalogue.shards.setStripe(shard.no, stripe, position)
      })
      fresh.forEach(({ id }, i) => {
        const shard = { id, parity: true, kind: 0, epoch: 0, usedBytes: 0, prefixes: new Uint8Array(0), inOutbox: true }
        catalogue.shards.add({ ...shard, stripe, position: shape.k + i })
      })
      catalogue.touch()
      return stripe
    })
  }
}

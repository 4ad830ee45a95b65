/**
 * A datastore in memory. libp2p reads and writes its peer store with every stream that is opened; what is worth keeping
 * of it is in `peers.db`. Bounded by whoever wraps it.
 */
import { Key } from 'interface-datastore'
import type { Batch, Datastore, KeyQuery, Pair, Query } from 'interface-datastore'
import { NotFoundError } from '@libp2p/interface'

export class VolatileDatastore implements Datastore {
  readonly #values = new Map<string, Uint8Array>()

  put(key: Key, value: Uint8Array): Key {
    this.#values.set(key.toString(), value)
    return key
  }

  get(key: Key): Uint8Array {
    const value = this.#values.get(key.toString())
    if (value === undefined) throw new NotFoundError('not in memory')
    return value
  }

  has(key: Key): boolean {
    return this.#values.has(key.toString())
  }

  delete(key: Key): void {
    this.#values.delete(key.toString())
  }

  async *putMany(source: AsyncIterable<Pair> | Iterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value)
  }

  async *getMany(source: AsyncIterable<Key> | Iterable<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) }
  }

  async *deleteMany(source: AsyncIterable<Key> | Iterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key)
      yield key
    }
  }

  batch(): Batch {
    const work: (() => void)[] = []
    return {
      put: (key, value) => void work.push(() => this.put(key, value)),
      delete: (key) =>
        void work.push(() => {
          this.delete(key)
        }),
      commit: () => {
        for (const step of work.splice(0)) step()
      },
    }
  }

  *query({ prefix = '', filters = [], orders = [], offset = 0, limit }: Query): Generator<Pair> {
    let pairs = [...this.#values]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => ({ key: new Key(key, false), value }))
    for (const filter of filters) pairs = pairs.filter(filter)
    for (const order of orders) pairs.sort(order)
    yield* pairs.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  *queryKeys({ prefix = '', filters = [], orders = [], offset = 0, limit }: KeyQuery): Generator<Key> {
    let keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).map((key) => new Key(key, false))
    for (const filter of filters) keys = keys.filter(filter)
    for (const order of orders) keys.sort(order)
    yield* keys.slice(offset, limit === undefined ? undefined : offset + limit)
  }
}

/**
 * libp2p's datastore with caps (docs/spec/06-dht-records.md, caps): kad-dht stores whatever strangers send, one entry
 * per key and without end. Invariant: no prefix holds more entries than its rule says, no single peer more than its
 * share, no value is longer than allowed, and a peer's writes are rationed, so 10⁶ records cannot grow the disk.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Key } from 'interface-datastore'
import type { Batch, Datastore, KeyQuery, Pair, Query } from 'interface-datastore'
import type { Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { Semaphore } from '../../base/queue.ts'

export interface StoreRule {
  /** Keys that start with this. */
  readonly prefix: string
  readonly what: string
  readonly maxEntries: number
  /** Entries that one peer may have put, as far as this process saw. */
  readonly maxEntriesPerPeer: number
  readonly maxValueBytes: number
  /** A full prefix drops its oldest entry when that is older than this; else the new one is refused. */
  readonly evictAfterMs: number
  /** Whether `value` may replace `stored`; default: yes. */
  readonly mayReplace?: (stored: Uint8Array, value: Uint8Array) => boolean
  /** Entries that are never dropped to make room. */
  readonly keep?: (key: string) => boolean
  /** Where its entries are, when not in the common store. */
  readonly store?: Datastore
}

/** Token bucket for writes on behalf of others. */
export interface WriteRation {
  readonly burst: number
  readonly perSecond: number
}

export interface BoundedStoreOptions {
  readonly rules: readonly StoreRule[]
  readonly perPeer: WriteRation
  readonly allPeers: WriteRation
}

/** Names the peer on whose behalf the current call runs; without one the call is our own. */
export class Attribution {
  readonly #storage = new AsyncLocalStorage<string>()

  run<T>(peer: string, work: () => T): T {
    return this.#storage.run(peer, work)
  }

  current(): string | undefined {
    return this.#storage.getStore()
  }
}

interface Entry {
  readonly peer: string | undefined
  readonly at: number
}

interface Bucket {
  tokens: number
  at: number
}

const MAX_BUCKETS = 4_096

export class BoundedDatastore implements Datastore {
  readonly #inner: Datastore
  readonly #options: BoundedStoreOptions
  readonly #clock: Clock
  readonly #attribution: Attribution
  readonly #entries = new Map<StoreRule, Map<string, Entry>>()
  readonly #buckets = new Map<string, Bucket>()
  readonly #turns = new Map<StoreRule, Semaphore>()

  constructor(options: BoundedStoreOptions, deps: { inner: Datastore; clock: Clock; attribution: Attribution }) {
    this.#options = options
    this.#inner = deps.inner
    this.#clock = deps.clock
    this.#attribution = deps.attribution
  }

  /** Counts what is there from earlier runs; entries beyond a cap are deleted. */
  async load(): Promise<void> {
    for (const rule of this.#options.rules) {
      const known = new Map<string, Entry>()
      this.#entries.set(rule, known)
      const store = this.#storeOf(rule)
      for await (const key of store.queryKeys({ prefix: rule.prefix })) {
        if (known.size < rule.maxEntries) known.set(key.toString(), { peer: undefined, at: 0 })
        else await store.delete(key)
      }
    }
  }

  /** Entries under a rule's prefix, for diagnosis and tests. */
  count(prefix: string): number {
    const rule = this.#options.rules.find((candidate) => candidate.prefix === prefix)
    return rule === undefined ? 0 : (this.#entries.get(rule)?.size ?? 0)
  }

  async put(key: Key, value: Uint8Array, options?: object): Promise<Key> {
    const rule = this.#ruleOf(key)
    if (rule === undefined) return this.#inner.put(key, value, options)
    return this.#inTurn(rule, async () => {
      await this.#admit(rule, key, value)
      return this.#storeOf(rule).put(key, value, options)
    })
  }

  get(key: Key, options?: object): Uint8Array | Promise<Uint8Array> {
    return this.#storeOf(this.#ruleOf(key)).get(key, options)
  }

  has(key: Key, options?: object): boolean | Promise<boolean> {
    return this.#storeOf(this.#ruleOf(key)).has(key, options)
  }

  async delete(key: Key, options?: object): Promise<void> {
    const rule = this.#ruleOf(key)
    if (rule !== undefined) this.#entries.get(rule)?.delete(key.toString())
    await this.#storeOf(rule).delete(key, options)
  }

  async *putMany(source: AsyncIterable<Pair> | Iterable<Pair>, options?: object): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield await this.put(key, value, options)
  }

  async *getMany(source: AsyncIterable<Key> | Iterable<Key>, options?: object): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: await this.get(key, options) }
  }

  async *deleteMany(source: AsyncIterable<Key> | Iterable<Key>, options?: object): AsyncGenerator<Key> {
    for await (const key of source) {
      await this.delete(key, options)
      yield key
    }
  }

  /** Not atomic: every operation passes the caps one by one. */
  batch(): Batch {
    const work: (() => Promise<unknown>)[] = []
    return {
      put: (key, value) => void work.push(() => this.put(key, value)),
      delete: (key) => void work.push(() => this.delete(key)),
      commit: async () => {
        for (const step of work.splice(0)) await step()
      },
    }
  }

  async *query(query: Query, options?: object): AsyncGenerator<Pair> {
    yield* this.#storeOf(this.#ruleOfPrefix(query.prefix)).query(query, options)
  }

  async *queryKeys(query: KeyQuery, options?: object): AsyncGenerator<Key> {
    yield* this.#storeOf(this.#ruleOfPrefix(query.prefix)).queryKeys(query, options)
  }

  /** One write of a rule at a time: between a check and its write nothing else may change what was checked. */
  #inTurn<T>(rule: StoreRule, work: () => Promise<T>): Promise<T> {
    let turn = this.#turns.get(rule)
    if (turn === undefined) this.#turns.set(rule, (turn = new Semaphore(1)))
    return turn.run(work)
  }

  #ruleOf(key: Key): StoreRule | undefined {
    const text = key.toString()
    return this.#options.rules.find((rule) => text.startsWith(rule.prefix))
  }

  #ruleOfPrefix(prefix: string | undefined): StoreRule | undefined {
    return prefix === undefined ? undefined : this.#options.rules.find((rule) => prefix.startsWith(rule.prefix))
  }

  #storeOf(rule: StoreRule | undefined): Datastore {
    return rule?.store ?? this.#inner
  }

  async #admit(rule: StoreRule, key: Key, value: Uint8Array): Promise<void> {
    if (value.length > rule.maxValueBytes) throw limit(rule.what, rule.maxValueBytes)
    const peer = this.#attribution.current()
    if (peer !== undefined) this.#spend(peer)
    const known = this.#entries.get(rule) ?? new Map<string, Entry>()
    this.#entries.set(rule, known)
    const text = key.toString()
    const entry = known.get(text)
    if (entry !== undefined && rule.mayReplace !== undefined) {
      const stored = await this.#read(rule, key)
      if (stored !== undefined && !rule.mayReplace(stored, value)) {
        throw new PlexiError('SECURITY_ROLLBACK', { what: rule.what, offered: 'older', known: 'stored' })
      }
    }
    if (entry === undefined) await this.#makeRoom(rule, known, peer)
    known.delete(text)
    known.set(text, { peer: peer ?? entry?.peer, at: this.#clock.elapsed() })
  }

  async #makeRoom(rule: StoreRule, known: Map<string, Entry>, peer: string | undefined): Promise<void> {
    if (peer !== undefined) {
      let own = 0
      for (const entry of known.values()) if (entry.peer === peer) own++
      if (own >= rule.maxEntriesPerPeer) throw limit(`${rule.what} of one peer`, rule.maxEntriesPerPeer)
    }
    if (known.size < rule.maxEntries) return
    const now = this.#clock.elapsed()
    for (const [text, entry] of known) {
      if (entry.at > 0 && now - entry.at < rule.evictAfterMs) break
      if (rule.keep?.(text) === true) continue
      known.delete(text)
      await this.#storeOf(rule).delete(new Key(text, false))
      return
    }
    throw limit(rule.what, rule.maxEntries)
  }

  async #read(rule: StoreRule, key: Key): Promise<Uint8Array | undefined> {
    try {
      return await this.#storeOf(rule).get(key)
    } catch {
      return undefined
    }
  }

  /** Takes one token of the peer's and one of everybody's. */
  #spend(peer: string): void {
    const { perPeer, allPeers } = this.#options
    if (this.#buckets.size >= MAX_BUCKETS && !this.#buckets.has(peer)) this.#forgetFullBuckets()
    if (!this.#take(peer, perPeer) || !this.#take('', allPeers))
      throw new PlexiError('NETWORK_BUSY', { peer: 'this node' })
  }

  #take(name: string, ration: WriteRation): boolean {
    const now = this.#clock.elapsed()
    const bucket = this.#buckets.get(name) ?? { tokens: ration.burst, at: now }
    bucket.tokens = Math.min(ration.burst, bucket.tokens + ((now - bucket.at) / 1_000) * ration.perSecond)
    bucket.at = now
    this.#buckets.set(name, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /** Buckets that would be full again carry no information; if none is, all start anew. */
  #forgetFullBuckets(): void {
    const { burst, perSecond } = this.#options.perPeer
    const now = this.#clock.elapsed()
    for (const [name, bucket] of this.#buckets) {
      if (name !== '' && bucket.tokens + ((now - bucket.at) / 1_000) * perSecond >= burst) this.#buckets.delete(name)
    }
    if (this.#buckets.size < MAX_BUCKETS) return
    const everybody = this.#buckets.get('')
    this.#buckets.clear()
    if (everybody !== undefined) this.#buckets.set('', everybody)
  }
}

function limit(what: string, bound: number): PlexiError {
  return new PlexiError('VALIDATION_LIMIT', { what, limit: bound })
}

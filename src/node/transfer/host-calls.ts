/**
 * What the transfers ask of a host, and the same over libp2p streams (docs/spec/05-storage-protocol.md). Transfers know
 * only the interface, so they can be tested without a network.
 */
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { invariant, PlexiError } from '../../base/errors.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { signEnvelope, type SigningKey } from '../../crypto/signature.ts'
import {
  manifestPayload,
  type FoundHead,
  type GroupHost,
  type HeadBundle,
  type Receipt,
  type ShardId,
  type StripeRecord,
} from '../../shard/index.ts'
import type { AnsweredOffer } from '../peers/discovery.ts'
import {
  callDefaults,
  getHeads,
  getOffer,
  getShard,
  hasShards,
  OFFER_PROTOCOL,
  putHead,
  putShard,
  releaseShards,
  SHARD_PROTOCOL,
  type Call,
  type CallOptions,
  type Credentials,
  type Owner,
} from '../protocols/index.ts'
import type { PeerLinks } from './peer-links.ts'

export interface HeldAnswer {
  readonly state: 'held' | 'missing' | 'released'
  readonly leaseUntil?: number
}

export interface HostCalls {
  /** Stores a shard, read only when the host wants it; resolves with the host's verified receipt. */
  put(host: GroupHost, shard: ShardToPut, signal: AbortSignal): Promise<Receipt>
  /** The shard, checked against its id. Throws `STORAGE_SHARD_NOT_FOUND`, `STORAGE_SHARD_CORRUPT` and the usual ones. */
  get(host: GroupHost, id: ShardId, signal: AbortSignal): Promise<Uint8Array>
  has(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<HeldAnswer[]>
  release(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<void>
  putHead(
    host: GroupHost,
    head: { readonly bundle: HeadBundle; readonly records: readonly Uint8Array[] },
    signal: AbortSignal,
  ): Promise<void>
  getHeads(host: GroupHost, signal: AbortSignal): Promise<FoundHead[]>
}

export interface ShardToPut {
  readonly stripe: StripeRecord
  readonly index: number
  read(): Promise<Uint8Array>
}

/** Who asks: this device, for its vault. */
export interface Caller {
  readonly vault: VaultId
  readonly sign: SigningKey
  certificate(): Uint8Array
  terms(): Uint8Array
}

export interface WireCallsDeps {
  readonly links: Pick<PeerLinks, 'open'>
  readonly clock: Clock
  readonly caller: Caller
}

export class WireCalls implements HostCalls {
  readonly #options: CallOptions
  readonly #deps: WireCallsDeps
  readonly #manifests = new WeakMap<StripeRecord, Uint8Array>()

  constructor(options: Partial<CallOptions>, deps: WireCallsDeps) {
    this.#options = { ...callDefaults, ...options }
    this.#deps = deps
  }

  async put(host: GroupHost, shard: ShardToPut, signal: AbortSignal): Promise<Receipt> {
    const { stripe, index } = shard
    const shardId = stripe.ids[index]
    invariant(shardId !== undefined, 'a shard of its stripe')
    const manifest = this.#manifest(stripe)
    const call = await this.#call(host, SHARD_PROTOCOL, signal)
    return putShard(call, this.#owner(), { shardId, manifest, index, read: () => shard.read() })
  }

  async get(host: GroupHost, id: ShardId, signal: AbortSignal): Promise<Uint8Array> {
    return getShard(await this.#call(host, SHARD_PROTOCOL, signal), this.#credentials(), id)
  }

  async has(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<HeldAnswer[]> {
    const answers = await hasShards(await this.#call(host, SHARD_PROTOCOL, signal), this.#credentials(), ids)
    return answers.map(({ state, leaseUntil }) => ({ state, ...(leaseUntil === null ? {} : { leaseUntil }) }))
  }

  async release(host: GroupHost, ids: readonly ShardId[], signal: AbortSignal): Promise<void> {
    await releaseShards(await this.#call(host, SHARD_PROTOCOL, signal), this.#owner(), ids)
  }

  async putHead(
    host: GroupHost,
    head: { bundle: HeadBundle; records: readonly Uint8Array[] },
    signal: AbortSignal,
  ): Promise<void> {
    await putHead(await this.#call(host, SHARD_PROTOCOL, signal), this.#credentials(), head)
  }

  async getHeads(host: GroupHost, signal: AbortSignal): Promise<FoundHead[]> {
    const call = await this.#call(host, SHARD_PROTOCOL, signal)
    const heads = await getHeads(call, this.#credentials(), this.#deps.caller.vault)
    return heads.map(({ bundle }) => ({ bundle, source: host.peer }))
  }

  /** The host's own words about itself; whether it would take shards of ours is part of it. */
  async offer(host: GroupHost, signal: AbortSignal): Promise<AnsweredOffer> {
    const call = await this.#call(host, OFFER_PROTOCOL, signal)
    const offer = await getOffer(call, this.#deps.caller.certificate())
    if (offer.capacity < offer.free && offer.state === 'open') {
      throw new PlexiError('NETWORK_PROTOCOL', { peer: host.peer, reason: 'more room than it lends' })
    }
    return {
      capacityBytes: offer.capacity,
      freeBytes: offer.free,
      accepting: offer.state === 'open' && offer.vouched,
      vault: toHex(offer.vault),
      stamped: false,
    }
  }

  async #call(host: GroupHost, protocol: string, signal: AbortSignal): Promise<Call> {
    const { links, clock } = this.#deps
    const stream = await links.open(host, protocol, signal)
    return { stream, host: host.peer, clock, signal, options: this.#options }
  }

  /** Signed once per stripe: all its shards carry the same. */
  #manifest(stripe: StripeRecord): Uint8Array {
    const known = this.#manifests.get(stripe)
    if (known !== undefined) return known
    const manifest = signEnvelope(this.#deps.caller.sign, 'manifest', manifestPayload(stripe))
    this.#manifests.set(stripe, manifest)
    return manifest
  }

  #credentials(): Credentials {
    const { caller } = this.#deps
    return { certificate: caller.certificate(), terms: caller.terms() }
  }

  #owner(): Owner {
    const { caller } = this.#deps
    return { ...this.#credentials(), vault: caller.vault, sign: caller.sign }
  }
}

/** Whether the same host may do better in a moment; a host that hung is not waited for twice. */
export function worthRetrying(error: unknown): boolean {
  return error instanceof PlexiError && (error.code === 'NETWORK_UNREACHABLE' || error.code === 'NETWORK_BUSY')
}

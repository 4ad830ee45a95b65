/**
 * Streams to other members: dialling by what is known of a peer, a bound on what runs on one host at once, and rest for
 * hosts that hung or vanished. Invariant: no stream is opened without the caller's signal and a dial deadline.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { deadline, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { Semaphore } from '../../base/queue.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { GroupHost } from '../../shard/index.ts'
import { withoutPeer } from '../addresses.ts'
import type { DialPolicy } from '../dial-policy.ts'
import type { CircleLibp2p } from '../libp2p.ts'
import { transportLimits, type NodeLimits } from '../options.ts'
import { Libp2pWire } from '../stream-adapter.ts'
import type { WireStream } from '../protocols/wire.ts'

export interface PeerLinksDeps {
  readonly libp2p: CircleLibp2p
  readonly policy: DialPolicy
  readonly clock: Clock
}

export class PeerLinks {
  readonly #limits: NodeLimits
  readonly #deps: PeerLinksDeps
  readonly #all: Semaphore
  readonly #perHost = new Map<PeerKey, Semaphore>()
  readonly #asks = new Map<PeerKey, Semaphore>()
  readonly #restingUntil = new Map<PeerKey, number>()

  constructor(limits: NodeLimits, deps: PeerLinksDeps) {
    this.#limits = limits
    this.#deps = deps
    this.#all = new Semaphore(limits.maxShardsAtOnce)
  }

  /** A stream of `protocol`, dialling first where needed. Throws `NETWORK_UNREACHABLE` or `NETWORK_TIMEOUT`. */
  async open(host: GroupHost, protocol: string, signal: AbortSignal): Promise<WireStream> {
    const wait = deadline(this.#deps.clock, this.#limits.dialTimeoutMs, signal)
    try {
      const connection = await this.connect(host, wait.signal)
      const stream: Stream = await connection.newStream(protocol, {
        signal: wait.signal,
        maxOutboundStreams: transportLimits.maxStreamsPerProtocol,
      })
      return new Libp2pWire(stream, { idleMs: this.#limits.idleTimeoutMs, peer: host.peer }, this.#deps.clock)
    } catch (error) {
      signal.throwIfAborted()
      const code = wait.signal.aborted ? 'NETWORK_TIMEOUT' : 'NETWORK_UNREACHABLE'
      throw new PlexiError(code, { peer: host.peer }, { cause: error })
    } finally {
      wait.clear()
    }
  }

  /** Runs a transfer of about one shard, within the bounds per host and in total. */
  async transfer<T>(peer: PeerKey, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let own = this.#perHost.get(peer)
    if (own === undefined) this.#perHost.set(peer, (own = new Semaphore(this.#limits.maxShardsPerHost)))
    // The host's own bound first, so that a slow host holds none of the places of all.
    return own.run(() => this.#all.run(work, signal), signal)
  }

  /** Runs a small question, few at once to one host, so that its stream limit is never met. */
  async ask<T>(peer: PeerKey, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    let own = this.#asks.get(peer)
    if (own === undefined) this.#asks.set(peer, (own = new Semaphore(this.#limits.maxAsksPerHost)))
    return own.run(work, signal)
  }

  connected(peer: PeerKey): boolean {
    return this.#deps.libp2p.getConnections(peerIdFromString(peer)).some((connection) => connection.status === 'open')
  }

  /** The IP or name the peer is seen at, as a multiaddr. */
  observed(peer: PeerKey): string | undefined {
    return this.#deps.libp2p.getConnections(peerIdFromString(peer))[0]?.remoteAddr.toString()
  }

  /** Leaves a host alone for a while: it hung or vanished. */
  rest(peer: PeerKey): void {
    this.#restingUntil.set(peer, this.#deps.clock.elapsed() + this.#limits.coolDownMs)
  }

  resting(peer: PeerKey): boolean {
    const until = this.#restingUntil.get(peer)
    if (until === undefined) return false
    if (this.#deps.clock.elapsed() < until) return true
    this.#restingUntil.delete(peer)
    return false
  }

  awake(peer: PeerKey): void {
    this.#restingUntil.delete(peer)
  }

  /** The open connection to a peer, or a new one. */
  async connect(host: GroupHost, signal: AbortSignal): Promise<Connection> {
    const { libp2p, policy } = this.#deps
    const id = peerIdFromString(host.peer)
    const open = libp2p.getConnections(id).find((connection) => connection.status === 'open')
    if (open !== undefined) return open
    const addresses = host.addresses.filter((address) => policy.mayDial(address))
    if (addresses.length === 0) return libp2p.dial(id, { signal })
    return libp2p.dial(
      addresses.map((address) => multiaddr(`${withoutPeer(address)}/p2p/${host.peer}`)),
      { signal },
    )
  }
}

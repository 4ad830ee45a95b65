/**
 * Finding the members of the circle: bootstrap addresses, known peers, DHT walks, and everybody who connects
 * (docs/spec/06-dht-records.md, discovery). A member counts as a host once it answered for its offer. Invariant: one
 * discovery at a time; it ends when a few rounds in a row brought nobody new, or at its deadline.
 */
import type { IdentifyResult, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { abortable, deadline, type Clock } from '../../base/clock.ts'
import { isPlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { mapBounded, Semaphore } from '../../base/queue.ts'
import type { Random } from '../../base/random.ts'
import { peerKey, type PeerKey } from '../../crypto/ids.ts'
import type { GroupHost } from '../../shard/index.ts'
import { peerOfAddress, withoutPeer } from '../addresses.ts'
import type { DialPolicy } from '../dial-policy.ts'
import type { CircleLibp2p } from '../libp2p.ts'
import type { NodeLimits } from '../options.ts'
import type { KnownOffer, PeerTable } from './peer-table.ts'

/** Shortest and longest pause of the background search. */
const SEARCH_FIRST_MS = 1_000
const SEARCH_MAX_MS = 300_000
/** A walk, and the asks of one round, get this long before the round goes on without the slow ones. */
const ROUND_PATIENCE_MS = 1_500

export interface AnsweredOffer extends KnownOffer {
  /** Hex. */
  readonly vault: string
  /** It showed a valid proof-of-work stamp. */
  readonly stamped: boolean
}

export interface DiscoveryOptions {
  readonly bootstrap: readonly string[]
  /** Protocol that only members of the circle who can host speak. */
  readonly offerProtocol: string
  readonly limits: NodeLimits
}

export interface DiscoveryDeps {
  readonly libp2p: CircleLibp2p
  readonly policy: DialPolicy
  readonly table: PeerTable
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  askOffer(host: GroupHost, signal: AbortSignal): Promise<AnsweredOffer>
  /** A peer that may have been given up shows that it is there. */
  met?(peer: PeerKey): void
}

interface Member {
  readonly offer: AnsweredOffer
  /** `clock.elapsed()` of the answer. */
  readonly at: number
}

export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #deps: DiscoveryDeps
  readonly #members = new Map<PeerKey, Member>()
  /** Everybody who ever answered, while this process runs. */
  readonly #everMet = new Set<PeerKey>()
  readonly #asking = new Map<PeerKey, Promise<boolean>>()
  readonly #asks: Semaphore
  readonly #stop = new AbortController()
  #running: { readonly quietRounds: number; readonly done: Promise<void> } | undefined
  #convergedAt: number | undefined
  #startedAt = 0
  #background: Promise<void> = Promise.resolve()

  constructor(options: DiscoveryOptions, deps: DiscoveryDeps) {
    this.#options = options
    this.#deps = deps
    this.#asks = new Semaphore(options.limits.maxAsksAtOnce)
  }

  start(): void {
    const { libp2p, policy, table } = this.#deps
    for (const address of this.#options.bootstrap) policy.allow(address)
    // What is stored was allowed when it was learned; friends on the local network are found again by it.
    for (const { vouched, addresses } of table.list()) if (vouched) for (const each of addresses) policy.allow(each)
    libp2p.addEventListener('peer:identify', this.#onIdentify)
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect)
    this.#startedAt = this.#deps.clock.elapsed()
    this.#background = this.#search()
  }

  /** Resolves when the bootstrap addresses were dialled once, or after `ms`: from then on others can find this node. */
  async introduced(ms: number): Promise<void> {
    const { clock } = this.#deps
    const wait = deadline(clock, ms, this.#stop.signal)
    try {
      const peers = await this.dial(this.#options.bootstrap, wait.signal)
      await Promise.all(peers.map((peer) => abortable(this.ask({ peer, addresses: [] }), wait.signal)))
    } catch (error) {
      this.#deps.log.debug('not introduced to the circle yet', { error })
    } finally {
      wait.clear()
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#deps.libp2p.removeEventListener('peer:identify', this.#onIdentify)
    this.#deps.libp2p.removeEventListener('peer:disconnect', this.#onDisconnect)
    await this.#background
    await Promise.allSettled([this.#running?.done, ...this.#asking.values()])
  }

  /** Hosts that answered and are still connected. */
  members(): ReadonlyMap<PeerKey, AnsweredOffer> {
    return new Map([...this.#members].map(([peer, member]) => [peer, member.offer]))
  }

  /** Resolves when discovery has converged recently, running it when it has not. Bounded; finding nobody is no error. */
  async converge(signal: AbortSignal, options: { force?: boolean } = {}): Promise<void> {
    const { clock } = this.#deps
    const fresh =
      this.#convergedAt !== undefined && clock.elapsed() - this.#convergedAt < this.#options.limits.discoveryFreshMs
    if (fresh && options.force !== true) return
    await abortable(this.#discoverOnce(this.#quietRounds()), signal)
  }

  /** Dials addresses a person gave; resolves to the peers that answered. */
  async dial(addresses: readonly string[], signal: AbortSignal): Promise<PeerKey[]> {
    const { libp2p, policy, clock } = this.#deps
    const met = await mapBounded(addresses, this.#options.limits.maxAsksAtOnce, async (address) => {
      policy.allow(address)
      const peer = peerOfAddress(address)
      if (peer === libp2p.peerId.toString()) return undefined
      const wait = deadline(clock, this.#options.limits.dialTimeoutMs, signal)
      try {
        const connection = await libp2p.dial(multiaddr(address), { signal: wait.signal })
        return keyOf(connection.remotePeer)
      } catch (error) {
        this.#deps.log.debug('no answer at a given address', { error })
        return undefined
      } finally {
        wait.clear()
      }
    })
    return met.filter((peer) => peer !== undefined)
  }

  /** Asks a peer for its offer; false when it does not answer. */
  async ask(host: GroupHost): Promise<boolean> {
    const known = this.#asking.get(host.peer)
    if (known !== undefined) return known
    const asked = this.#asks
      .run(() => this.#askNow(host))
      .finally(() => {
        this.#asking.delete(host.peer)
      })
    this.#asking.set(host.peer, asked)
    return asked
  }

  readonly #onIdentify = (event: CustomEvent<IdentifyResult>): void => {
    const { peerId, protocols, listenAddrs, connection } = event.detail
    const peer = keyOf(peerId)
    if (peer === undefined || this.#stop.signal.aborted) return
    const addresses = [connection.direction === 'outbound' ? connection.remoteAddr : undefined, ...listenAddrs]
      .filter((address) => address !== undefined)
      .map((address) => withoutPeer(address.toString()))
      .filter((address) => this.#deps.policy.mayDialBack(address, connection.remoteAddr.toString()))
    this.#deps.table.seenAt(peer, addresses)
    this.#deps.met?.(peer)
    if (protocols.includes(this.#options.offerProtocol)) void this.ask({ peer, addresses })
  }

  readonly #onDisconnect = (event: CustomEvent<PeerId>): void => {
    const peer = keyOf(event.detail)
    if (peer === undefined || !this.#members.delete(peer)) return
    // Somebody left: the next group is formed on a fresh look.
    this.#convergedAt = undefined
  }

  async #askNow(host: GroupHost): Promise<boolean> {
    const { clock, table, log } = this.#deps
    const wait = deadline(clock, this.#options.limits.askTimeoutMs, this.#stop.signal)
    try {
      const offer = await this.#deps.askOffer(host, wait.signal)
      table.offered(host.peer, offer)
      this.#recordDialled(host.peer)
      if (this.#members.size < this.#options.limits.maxCandidates) {
        this.#members.set(host.peer, { offer, at: clock.elapsed() })
        if (this.#everMet.size < this.#options.limits.maxPeersKnown) this.#everMet.add(host.peer)
      }
      return true
    } catch (error) {
      log.debug('a peer did not tell its offer', { peer: host.peer, error })
      // Told to the person: nothing else says why nobody takes anything any more.
      if (isPlexiError(error, 'AUTH_REVOKED')) this.#deps.table.failed(host.peer, error.code)
      this.#members.delete(host.peer)
      return false
    } finally {
      wait.clear()
    }
  }

  /** Where we reached it ourselves: a group formed before it told its own addresses must name some. */
  #recordDialled(peer: PeerKey): void {
    const { libp2p, table } = this.#deps
    const dialled = libp2p
      .getConnections(peerIdFromString(peer))
      .filter(({ direction }) => direction === 'outbound')
      .map(({ remoteAddr }) => withoutPeer(remoteAddr.toString()))
    if (dialled.length > 0) table.seenAt(peer, dialled)
  }

  /** Rounds without anybody new that end a discovery: right after the start others may just be starting too. */
  #quietRounds(): number {
    const { clock } = this.#deps
    return clock.elapsed() - this.#startedAt < this.#options.limits.settleMs ? 3 : 2
  }

  /** One after the other; whoever asks for no more than the one under way looks for shares it. */
  async #discoverOnce(quietRounds: number): Promise<void> {
    while (this.#running !== undefined) {
      const { quietRounds: enough, done } = this.#running
      await done
      if (enough >= quietRounds) return
    }
    const done = this.#discover(quietRounds).finally(() => {
      this.#running = undefined
    })
    this.#running = { quietRounds, done }
    await done
  }

  async #discover(quietRounds: number): Promise<void> {
    const { clock, log } = this.#deps
    const { limits } = this.#options
    const wait = deadline(clock, limits.discoveryTimeoutMs, this.#stop.signal)
    const tried = new Set<PeerKey>()
    try {
      let quiet = 0
      for (let round = 1; round <= limits.maxDiscoveryRounds && quiet < quietRounds; round++) {
        const before = this.#members.size
        await this.#round(round, tried, wait.signal)
        quiet = this.#members.size > before ? 0 : quiet + 1
        const pauseMs = limits.discoveryPauseMs * (quietRounds > 2 ? 2 : 1)
        if (quiet > 0 && quiet < quietRounds) await clock.sleep(pauseMs, wait.signal)
      }
    } catch (error) {
      if (!wait.signal.aborted) throw error
    } finally {
      wait.clear()
    }
    // A single round finds little by itself, but may confirm what is known.
    const counts = quietRounds > 1 || this.#convergedAt !== undefined
    this.#convergedAt = counts && !this.#stop.signal.aborted ? clock.elapsed() : undefined
    log.debug('discovery ended', { hosts: this.#members.size })
  }

  async #round(round: number, tried: Set<PeerKey>, signal: AbortSignal): Promise<void> {
    const { libp2p, table, clock } = this.#deps
    const patience = deadline(clock, ROUND_PATIENCE_MS, signal)
    const work: Promise<unknown>[] = []
    const meet = (host: GroupHost): void => {
      if (tried.has(host.peer) || host.peer === libp2p.peerId.toString()) return
      if (tried.size >= this.#options.limits.maxCandidates) return
      tried.add(host.peer)
      const member = this.#members.get(host.peer)
      if (member !== undefined && clock.elapsed() - member.at < this.#freshness(member)) return
      work.push(this.ask(host))
    }
    try {
      const gone = this.#options.bootstrap.filter((address) => !this.#connectedTo(address))
      work.push(this.dial(gone, patience.signal))
      for (const id of libp2p.getPeers()) meetId(id, [], meet)
      for (const known of table.list()) if (!known.blocked && known.addresses.length > 0) meet(known)
      // A walk without anybody to ask ends at once, so the first dials get their chance.
      if (libp2p.getPeers().length === 0) await abortable(Promise.allSettled(work), patience.signal)
      // Towards its own id a node finds its neighbours, towards a random one the rest of a large circle, in turn.
      const key = round % 2 === 1 ? libp2p.peerId.toMultihash().bytes : this.#deps.random.bytes(32)
      await this.#walk(key, meet, patience.signal)
      await abortable(Promise.allSettled(work), patience.signal)
    } catch (error) {
      if (!patience.signal.aborted || signal.aborted) throw error
    } finally {
      patience.clear()
    }
  }

  /** Who would take nothing is asked again soon: people make room, and friends. */
  #freshness({ offer }: Member): number {
    const { offerFreshMs, discoveryFreshMs } = this.#options.limits
    return offer.accepting ? offerFreshMs : discoveryFreshMs
  }

  /** Looks up `key` in the DHT and meets everybody who is mentioned on the way. */
  async #walk(key: Uint8Array, meet: (host: GroupHost) => void, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#deps.libp2p.services.dht.getClosestPeers(key, { signal })) {
        if (event.name === 'PEER_RESPONSE') {
          for (const { id, multiaddrs } of event.closer) meetId(id, multiaddrs.map(String), meet)
          meetId(event.from, [], meet)
        }
      }
    } catch (error) {
      this.#deps.log.debug('a DHT walk ended early', { error })
    }
  }

  /** Goes on looking in the background, ever more rarely while nothing changes. */
  async #search(): Promise<void> {
    const { clock, log } = this.#deps
    let pauseMs = SEARCH_FIRST_MS
    let quietRounds = this.#quietRounds()
    while (!this.#stop.signal.aborted) {
      const before = this.#everMet.size
      try {
        await this.#discoverOnce(quietRounds)
        // The first look is thorough; after it one round tells whether anything changed.
        quietRounds = 1
        // Only somebody new is news: members that come and go must not keep everybody searching.
        const news = this.#everMet.size > before && this.#everMet.size < this.#options.limits.maxPeersKnown
        pauseMs = news ? SEARCH_FIRST_MS : Math.min(SEARCH_MAX_MS, pauseMs * 2)
        await clock.sleep(pauseMs, this.#stop.signal)
      } catch (error) {
        log.debug('the search for members was cut short', { error })
        await clock.sleep(pauseMs, this.#stop.signal).catch(() => undefined)
      }
    }
  }

  #connectedTo(address: string): boolean {
    const peer = peerOfAddress(address)
    if (peer !== undefined) return this.#deps.libp2p.getConnections(peerIdFromString(peer)).length > 0
    const plain = withoutPeer(address)
    return this.#deps.libp2p.getConnections().some((each) => withoutPeer(each.remoteAddr.toString()) === plain)
  }
}

function meetId(id: PeerId, addresses: readonly string[], meet: (host: GroupHost) => void): void {
  const peer = keyOf(id)
  if (peer !== undefined) meet({ peer, addresses })
}

/** Peers with other than Ed25519 keys are no members. */
function keyOf(id: PeerId): PeerKey | undefined {
  try {
    return peerKey(id.toString())
  } catch {
    return undefined
  }
}

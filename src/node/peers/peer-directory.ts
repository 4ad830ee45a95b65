/**
 * Peers as a person handles them: listed, looked at, added, trusted, blocked, pinged (docs/spec/06-dht-records.md,
 * peers). Peers are named by id, the end of an id, the start of a vault, or their name.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, type Clock } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { peerKey, type PeerKey } from '../../crypto/ids.ts'
import { invitable, parseAddress, withoutPeer } from '../addresses.ts'
import type { DialPolicy } from '../dial-policy.ts'
import type { CircleLibp2p } from '../libp2p.ts'
import type { NodeLimits } from '../options.ts'
import type { PeerLinks } from '../transfer/peer-links.ts'
import type { Discovery } from './discovery.ts'
import type { KnownPeer, PeerTable } from './peer-table.ts'

export interface PeerView extends KnownPeer {
  readonly online: boolean
  /** Where it is seen now, else where it was last. */
  readonly address: string | undefined
  /** Where it can be dialled, with `/p2p/`, the most reachable first. */
  readonly dialable: readonly string[]
  /** Vouched by a person, or because this daemon vouches for everybody. */
  readonly trusted: boolean
  /** It answered lately, has room and would take our shards. */
  readonly eligible: boolean
}

export interface PingResult {
  readonly peer: PeerKey
  readonly ok: boolean
  readonly ms: number | undefined
  readonly address: string | undefined
}

export interface PeerDirectoryDeps {
  readonly libp2p: CircleLibp2p
  readonly table: PeerTable
  readonly links: PeerLinks
  readonly policy: DialPolicy
  readonly discovery: Discovery
  readonly clock: Clock
  readonly vouched: (peer: KnownPeer) => boolean
  /** Who answered lately, has room and would take our shards. */
  readonly eligible: () => ReadonlySet<PeerKey>
}

export class PeerDirectory {
  readonly #limits: NodeLimits
  readonly #deps: PeerDirectoryDeps

  constructor(limits: NodeLimits, deps: PeerDirectoryDeps) {
    this.#limits = limits
    this.#deps = deps
  }

  list(): PeerView[] {
    const eligible = this.#deps.eligible()
    return this.#deps.table.list().map((known) => this.#view(known, eligible))
  }

  /** Throws `STORAGE_NOT_FOUND` for nobody, `VALIDATION_USAGE` for several. */
  show(name: string): PeerView {
    return this.#view(this.#one(name), this.#deps.eligible())
  }

  /** Dials an address and remembers who answers. Throws `NETWORK_ADDRESS`, `NETWORK_UNREACHABLE`. */
  async add(address: string, signal: AbortSignal): Promise<PeerView> {
    const { libp2p, policy, table, discovery, clock } = this.#deps
    parseAddress(address)
    policy.allow(address)
    const wait = deadline(clock, this.#limits.dialTimeoutMs, signal)
    try {
      // A connection that is open already is used as it is, and says nothing about this address.
      const { remotePeer, remoteAddr, direction } = await libp2p.dial(multiaddr(address), { signal: wait.signal })
      const peer = peerKey(remotePeer.toString())
      const addresses = direction === 'outbound' ? [withoutPeer(remoteAddr.toString())] : []
      table.seenAt(peer, addresses)
      await discovery.ask({ peer, addresses })
      return this.show(peer)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof PlexiError) throw error
      const remedy = 'on that machine: plexichat up, and for its addresses: plexichat net addrs'
      throw new PlexiError('NETWORK_UNREACHABLE', { peer: address }, { remedy, cause: error })
    } finally {
      wait.clear()
    }
  }

  /** A peer id that is not known yet can be trusted too. */
  trust(name: string, change: { trusted: boolean; name?: string }): PeerView {
    const peer = this.#oneOrNew(name)
    this.#deps.table.vouch(peer, change.trusted)
    if (change.name !== undefined) this.#deps.table.call(peer, change.name)
    if (change.trusted) void this.#deps.discovery.ask({ peer, addresses: [] })
    return this.show(peer)
  }

  /** Closes what is open to a blocked peer; nothing is accepted from it or sent to it any more. */
  async block(name: string, blocked: boolean): Promise<PeerView> {
    const { libp2p, policy, table } = this.#deps
    const peer = this.#oneOrNew(name)
    table.block(peer, blocked)
    policy.block(peer, blocked)
    if (blocked) await libp2p.hangUp(peerIdFromString(peer)).catch(() => undefined)
    return this.show(peer)
  }

  quota(name: string, bytes: number | null): PeerView {
    const { peer } = this.#one(name)
    this.#deps.table.setQuota(peer, bytes)
    return this.show(peer)
  }

  async ping(name: string, signal: AbortSignal): Promise<PingResult> {
    const { libp2p, links, clock } = this.#deps
    const { peer, addresses } = this.#one(name)
    const wait = deadline(clock, this.#limits.askTimeoutMs, signal)
    try {
      await links.connect({ peer, addresses }, wait.signal)
      const ms = await libp2p.services.ping.ping(peerIdFromString(peer), { signal: wait.signal })
      return { peer, ok: true, ms, address: links.observed(peer) }
    } catch {
      signal.throwIfAborted()
      return { peer, ok: false, ms: undefined, address: undefined }
    } finally {
      wait.clear()
    }
  }

  #view(known: KnownPeer, eligible: ReadonlySet<PeerKey>): PeerView {
    const { links, vouched } = this.#deps
    const dialable = invitable(known.addresses.map((address) => `${address}/p2p/${known.peer}`))
    return {
      ...known,
      online: links.connected(known.peer),
      address: links.observed(known.peer) ?? dialable[0],
      dialable,
      trusted: vouched(known),
      eligible: eligible.has(known.peer),
    }
  }

  #one(name: string): KnownPeer {
    const found = this.#deps.table.find(name)
    const [only] = found
    if (only === undefined)
      throw new PlexiError(
        'STORAGE_NOT_FOUND',
        { what: `peer ${name}`, reason: `peer ${name}` },
        { remedy: 'plexichat peers' },
      )
    if (found.length > 1) throw new PlexiError('VALIDATION_USAGE', { reason: `${name} names ${found.length} peers` })
    return only
  }

  #oneOrNew(name: string): PeerKey {
    if (this.#deps.table.find(name).length === 0) {
      try {
        const peer = peerKey(name)
        if (this.#deps.table.know(peer)) return peer
      } catch {
        // Not a peer id: then it has to be somebody known.
      }
    }
    return this.#one(name).peer
  }
}

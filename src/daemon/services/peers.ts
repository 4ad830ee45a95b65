/** Peers over the API. */
import type { Peer, PeerPing, PeerService } from '../../api/index.ts'
import { isoTime } from '../../base/clock.ts'
import { fromHex } from '../../base/bytes.ts'
import { vaultId } from '../../crypto/ids.ts'
import type { PeerView, PlexiNode } from '../../node/index.ts'

export interface PeersDeps {
  readonly node: PlexiNode
  /** Somebody new may take what is queued. */
  readonly changed: () => void
  /** Bytes of this vault that each host keeps. */
  readonly received: () => ReadonlyMap<string, number>
}

export class Peers implements PeerService {
  readonly #deps: PeersDeps

  constructor(deps: PeersDeps) {
    this.#deps = deps
  }

  list(): Peer[] {
    const received = this.#deps.received()
    return this.#deps.node.peers.list().map((view) => this.#peer(view, received))
  }

  async get(peer: string): Promise<Peer> {
    return this.#peer(this.#deps.node.peers.show(peer))
  }

  async add(address: string, signal: AbortSignal): Promise<Peer> {
    const view = await this.#deps.node.peers.add(address, signal)
    this.#deps.changed()
    return this.#peer(view)
  }

  async ping(peer: string, signal: AbortSignal): Promise<PeerPing> {
    const { ms, address, ...rest } = await this.#deps.node.peers.ping(peer, signal)
    return { ...rest, ms: ms ?? null, address: address ?? null }
  }

  async trust(peer: string, change: { trusted: boolean; name?: string }): Promise<Peer> {
    const view = this.#deps.node.peers.trust(peer, change)
    this.#deps.changed()
    return this.#peer(view)
  }

  async block(peer: string, blocked: boolean): Promise<Peer> {
    return this.#peer(await this.#deps.node.peers.block(peer, blocked))
  }

  async quota(peer: string, bytes: number | null): Promise<Peer> {
    return this.#peer(this.#deps.node.peers.quota(peer, bytes))
  }

  #peer(view: PeerView, received = this.#deps.received()): Peer {
    const { hosting } = this.#deps.node
    return {
      peer: view.peer,
      vault: view.vault ?? null,
      name: view.name === '' ? null : view.name,
      vouched: view.trusted,
      // Reputation is not measured yet: who answers is a newcomer, who is vouched for is trusted.
      state: view.blocked ? 'blocked' : view.trusted ? 'trusted' : 'newcomer',
      online: view.online,
      score: null,
      availability: null,
      given: view.vault === undefined ? 0 : hosting.bytesOf(vaultId(fromHex(view.vault))),
      received: received.get(view.peer) ?? 0,
      address: view.address ?? null,
      lastSeen: view.lastSeen === undefined ? null : isoTime(view.lastSeen),
      offered: view.offer?.capacityBytes ?? null,
      free: view.offer?.freeBytes ?? null,
      quota: view.quotaBytes ?? null,
    }
  }
}

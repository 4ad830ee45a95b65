/**
 * Which addresses this node dials (docs/spec/06-dht-records.md, addresses). Peers name addresses freely, so a private
 * address is dialled only where it makes sense here: loopback from a loopback-only daemon, own subnets with `lan`, the
 * machine that a connection comes from, and whatever a person or the local network itself named. Invariant: a private address learned from a peer elsewhere is
 * neither stored nor dialled.
 */
import type { ConnectionGater } from '@libp2p/interface'
import { inSubnet, ipOf, peerOfAddress, scopeOf, withoutPeer, type Subnet } from './addresses.ts'

const MAX_NAMED = 4_096

export interface DialPolicyOptions {
  readonly loopbackOnly: boolean
  readonly lan: boolean
  /** Own interfaces' private subnets. */
  readonly subnets: readonly Subnet[]
}

export class DialPolicy {
  readonly #options: DialPolicyOptions
  readonly #named = new Set<string>()
  readonly #blocked = new Set<string>()

  constructor(options: DialPolicyOptions) {
    this.#options = options
  }

  /** Lets an address through that a person or the own vault gave. */
  allow(address: string): void {
    if (this.#named.size >= MAX_NAMED) this.#named.clear()
    this.#named.add(withoutPeer(address))
  }

  /** What the local network announced: neighbours, never this very machine, nor a name that leads anywhere. */
  announced(address: string): void {
    if (scopeOf(address) === 'private' && this.#inOwnSubnet(address)) this.allow(address)
  }

  block(peer: string, blocked: boolean): void {
    if (blocked) this.#blocked.add(peer)
    else this.#blocked.delete(peer)
  }

  mayDial(address: string): boolean {
    if (this.#named.has(withoutPeer(address))) return true
    const peer = peerOfAddress(address)
    if (peer !== undefined && this.#blocked.has(peer)) return false
    switch (scopeOf(address)) {
      case 'public':
        // A name leads wherever its owner says at that moment, also into this network: it has to be named by a person.
        return ipOf(address) !== undefined
      case 'relayed':
        return this.#mayDialRelay(address)
      case 'loopback':
        return this.#options.loopbackOnly
      case 'private':
        return this.#options.lan && this.#inOwnSubnet(address)
      case 'none':
        return false
    }
  }

  /**
   * For an address that a peer names of itself over a connection from `seenAt`: one on the local network is fine when
   * it is of the very machine that the connection comes from.
   */
  mayDialBack(address: string, seenAt: string): boolean {
    if (scopeOf(address) === 'private' && ipOf(address) !== undefined && ipOf(address) === ipOf(seenAt))
      this.allow(address)
    return this.mayDial(address)
  }

  /** The same as libp2p asks it: before storing, before dialling, and for blocked peers on every connection. */
  gater(): ConnectionGater {
    const blocked = (peer: { toString(): string }): boolean => this.#blocked.has(peer.toString())
    return {
      denyDialPeer: blocked,
      denyDialMultiaddr: (address) => !this.mayDial(address.toString()),
      denyInboundEncryptedConnection: blocked,
      filterMultiaddrForPeer: (_peer, address) => this.mayDial(address.toString()),
    }
  }

  /** The way to a relay is dialled like any other; a relay named by its id alone is known otherwise or not at all. */
  #mayDialRelay(address: string): boolean {
    const way = withoutPeer(address.slice(0, address.indexOf('/p2p-circuit')))
    return way === '' || this.mayDial(way)
  }

  #inOwnSubnet(address: string): boolean {
    const ip = ipOf(address)
    return ip !== undefined && this.#options.subnets.some((subnet) => inSubnet(ip, subnet))
  }
}

/** How the node stands in the network, for `net check`, `net addrs` and `net dht`. Looks only; changes nothing. */
import { loopbackOnly, scopeOf } from './addresses.ts'
import { dhtProtocol, tableSize } from './dht/circle-dht.ts'
import { RECORD_PREFIX } from './dht/store-rules.ts'
import type { NodeParts } from './node-parts.ts'
import type { NodeOptions } from './options.ts'
import { eligible } from './placement/candidates.ts'
import { counted } from '../base/text.ts'

export interface NetStatus {
  readonly circle: string
  readonly listen: readonly string[]
  /** What others may dial, each with `/p2p/`. */
  readonly addresses: readonly string[]
  readonly connections: number
  readonly dht: {
    readonly protocol: string
    readonly mode: 'server' | 'client'
    readonly peers: number
    readonly records: number
  }
  readonly bootstrap: readonly string[]
}

export interface NetCheck {
  readonly name: 'listen' | 'reachable' | 'bootstrap' | 'members' | 'dht' | 'hosts'
  readonly ok: boolean
  readonly text: string
  /** A command that helps. */
  readonly remedy: string | undefined
}

type Parts = Pick<NodeParts, 'libp2p' | 'datastore' | 'bootstrap' | 'candidates'>

export class NetReport {
  readonly #options: NodeOptions
  readonly #parts: Parts

  constructor(options: NodeOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  status(): NetStatus {
    const { libp2p, datastore, bootstrap } = this.#parts
    const { dht } = libp2p.services
    return {
      circle: this.#options.circle,
      listen: this.#options.listen,
      addresses: libp2p.getMultiaddrs().map(String),
      connections: libp2p.getConnections().length,
      dht: {
        protocol: dhtProtocol(this.#options.circle),
        mode: dht.getMode(),
        peers: tableSize(dht),
        records: datastore.count(RECORD_PREFIX),
      },
      bootstrap,
    }
  }

  check(): NetCheck[] {
    const status = this.status()
    const hosts = this.#parts.candidates()
    const willing = hosts.filter(eligible).length
    return [
      this.#listening(status),
      reachable(status),
      this.#bootstrapped(status),
      {
        name: 'members',
        ok: status.connections > 0,
        text: `${counted(status.connections, 'connection')} to members`,
        remedy: status.connections > 0 ? undefined : 'plexichat join CODE',
      },
      {
        name: 'dht',
        ok: status.dht.peers > 0,
        text: `DHT ${status.dht.mode}, ${counted(status.dht.peers, 'peer')} in its table`,
        remedy: status.dht.peers > 0 ? undefined : 'plexichat peers add ADDRESS',
      },
      {
        name: 'hosts',
        ok: willing > 0,
        text: `${willing} of ${counted(hosts.length, 'host')} that answer would take shards of yours`,
        remedy: willing > 0 ? undefined : 'plexichat invite',
      },
    ]
  }

  #listening({ addresses }: NetStatus): NetCheck {
    const ok = addresses.length > 0
    const text = ok ? `listening on ${addresses.length} address(es)` : 'not listening: nobody can dial this node'
    return { name: 'listen', ok, text, remedy: ok ? undefined : 'plexichat config get network.listen' }
  }

  #bootstrapped({ bootstrap }: NetStatus): NetCheck {
    const peers = new Set(this.#parts.libp2p.getPeers().map(String))
    const met = bootstrap.filter((address) => [...peers].some((peer) => address.endsWith(`/p2p/${peer}`))).length
    const ok = bootstrap.length === 0 || met > 0 || peers.size > 0
    const text =
      bootstrap.length === 0
        ? 'no bootstrap address is set'
        : `${met} of ${bootstrap.length} bootstrap addresses answer`
    return { name: 'bootstrap', ok, text, remedy: ok ? undefined : 'plexichat config get network.bootstrap' }
  }
}

function reachable({ addresses }: NetStatus): NetCheck {
  const ok = addresses.some((address) => scopeOf(address) === 'public') || loopbackOnly(addresses)
  const text = ok
    ? loopbackOnly(addresses)
      ? 'on loopback alone: reachable by this machine only, as wanted'
      : 'has a public address'
    : 'no public address is known: reachable on the local network only'
  return { name: 'reachable', ok, text, remedy: ok ? undefined : 'open port 7421 on the router, or use IPv6' }
}

/**
 * The circle's Kademlia DHT (docs/spec/06-dht-records.md): kad-dht under the circle's own protocol, with the head
 * record validator, and with every call that a peer causes attributed to that peer, so that the datastore can ration it.
 */
import { kadDHT, type KadDHT, type SelectFn, type SingleKadDHT, type ValidateFn } from '@libp2p/kad-dht'
import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import { scopeOf } from '../addresses.ts'
import { dhtLimits } from '../options.ts'
import type { Attribution } from './bounded-datastore.ts'

export interface CircleDhtOptions {
  readonly circle: string
  readonly server: boolean
  /** Namespace of keys → what may be stored there. */
  readonly records: Readonly<Record<string, { validate: ValidateFn; select: SelectFn }>>
}

type KadComponents = Parameters<ReturnType<typeof kadDHT>>[0]

export function dhtProtocol(circle: string): string {
  return `/plexichat/${circle}/kad/1.0.0`
}

/**
 * Servers answer lookups and keep records, so they must be dialable by those who ask: a node that listens on loopback
 * or a public address is, one on a private network only for a circle that is reached over private addresses too.
 */
export function dhtMode(listen: readonly string[], bootstrap: readonly string[]): 'server' | 'client' {
  const scopes = listen.map(scopeOf)
  if (scopes.length === 0) return 'client'
  if (scopes.some((scope) => scope === 'loopback' || scope === 'public')) return 'server'
  return bootstrap.some((address) => scopeOf(address) === 'public') ? 'client' : 'server'
}

/** A libp2p service factory. */
export function circleDht(options: CircleDhtOptions, attribution: Attribution): (components: KadComponents) => KadDHT {
  const create = kadDHT({
    protocol: dhtProtocol(options.circle),
    clientMode: !options.server,
    allowQueryWithZeroPeers: true,
    // The default drops private addresses; what may be dialled is decided by the dial policy instead.
    peerInfoMapper: (peer) => peer,
    querySelfInterval: dhtLimits.refreshMs,
    initialQuerySelfInterval: 200,
    maxInboundStreams: 16,
    validators: mapValues(options.records, (rule) => rule.validate),
    selectors: mapValues(options.records, (rule) => rule.select),
  })
  return (components) => {
    const dht = create(attributed(components, attribution))
    slowRefresh(dht)
    return dht
  }
}

/** Peers in the routing table. */
export function tableSize(dht: KadDHT): number {
  return (dht as SingleKadDHT).routingTable.size
}

/** The components as they are, but stream handlers run in the name of the peer at the other end. */
function attributed(components: KadComponents, attribution: Attribution): KadComponents {
  const registrar = new Proxy(components.registrar, {
    get(target, property) {
      if (property === 'handle') {
        return (protocol: string, handler: StreamHandler, options?: StreamHandlerOptions) =>
          target.handle(
            protocol,
            (stream: Stream, connection: Connection) =>
              attribution.run(connection.remotePeer.toString(), () => handler(stream, connection)),
            options,
          )
      }
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return new Proxy(components, {
    get: (target, property) => (property === 'registrar' ? registrar : (Reflect.get(target, property) as unknown)),
  })
}

/** kad-dht refreshes its table every 5 minutes and offers no setting for it; an idle node asks hourly. */
function slowRefresh(dht: KadDHT): void {
  const inner = dht as unknown as { routingTableRefresh?: { refreshInterval?: number } }
  if (inner.routingTableRefresh?.refreshInterval !== undefined) {
    inner.routingTableRefresh.refreshInterval = dhtLimits.refreshMs
  }
}

function mapValues<A, B>(source: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(source).map(([name, value]) => [name, map(value)]))
}

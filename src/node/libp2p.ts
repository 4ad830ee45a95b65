/**
 * The libp2p node: TCP and WebSocket, Noise, yamux, identify, ping, the circle's DHT, bootstrap and mDNS.
 * Invariant: the peer id is the device's Ed25519 key; what libp2p stores goes through the bounded datastore.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { bootstrap } from '@libp2p/bootstrap'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify, type Identify } from '@libp2p/identify'
import type { KadDHT } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { ping, type Ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import type { Datastore } from 'interface-datastore'
import { toHex, utf8 } from '../base/bytes.ts'
import { peerOfAddress } from './addresses.ts'
import { circleDht, type CircleDhtOptions } from './dht/circle-dht.ts'
import type { Attribution } from './dht/bounded-datastore.ts'
import type { DialPolicy } from './dial-policy.ts'
import { transportLimits } from './options.ts'

export type NodeServices = { identify: Identify; ping: Ping; dht: KadDHT }
export type CircleLibp2p = Libp2p<NodeServices>

export interface Libp2pSettings {
  readonly peerSeed: Uint8Array
  readonly listen: readonly string[]
  readonly bootstrap: readonly string[]
  readonly circleKey?: Uint8Array
  readonly loopbackOnly: boolean
  readonly mdns: boolean
  readonly dht: CircleDhtOptions
}

export interface Libp2pDeps {
  readonly datastore: Datastore
  readonly policy: DialPolicy
  readonly attribution: Attribution
}

/** Not started yet. */
export async function makeLibp2p(settings: Libp2pSettings, deps: Libp2pDeps): Promise<CircleLibp2p> {
  return createLibp2p<NodeServices>({
    // Nobody may connect before the protocols are served: identify would tell them that there are none.
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', settings.peerSeed),
    datastore: deps.datastore,
    nodeInfo: { name: 'plexichat', version: '1', userAgent: 'plexichat/1' },
    addresses: { listen: [...settings.listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(muxerOptions())],
    ...(settings.circleKey === undefined
      ? {}
      : { connectionProtector: preSharedKey({ psk: pskText(settings.circleKey) }) }),
    connectionGater: deps.policy.gater(),
    connectionManager: connectionOptions(settings.loopbackOnly),
    connectionMonitor: { pingInterval: transportLimits.monitorMs },
    peerDiscovery: discovery(settings, deps.policy),
    services: {
      identify: identify(),
      ping: ping(),
      dht: circleDht(settings.dht, deps.attribution),
    },
  })
}

function muxerOptions(): Parameters<typeof yamux>[0] {
  return {
    keepAliveInterval: transportLimits.keepAliveMs,
    maxInboundStreams: transportLimits.maxStreamsPerConnection,
    maxOutboundStreams: transportLimits.maxStreamsPerConnection,
    streamOptions: {
      initialStreamWindowSize: transportLimits.initialWindowBytes,
      maxStreamWindowSize: transportLimits.maxWindowBytes,
      maxReadBufferLength: transportLimits.maxReadBufferBytes,
      inactivityTimeout: transportLimits.streamInactivityMs,
    },
  }
}

function connectionOptions(loopbackOnly: boolean): NonNullable<Libp2pOptions['connectionManager']> {
  return {
    maxConnections: transportLimits.maxConnections,
    maxIncomingPendingConnections: transportLimits.maxPendingInbound,
    inboundConnectionThreshold: loopbackOnly
      ? transportLimits.inboundPerSecondLoopback
      : transportLimits.inboundPerSecond,
    maxParallelDials: transportLimits.maxParallelDials,
  }
}

function discovery(settings: Libp2pSettings, policy: DialPolicy): NonNullable<Libp2pOptions['peerDiscovery']> {
  const modules: NonNullable<Libp2pOptions['peerDiscovery']> = []
  // Addresses without a peer id cannot be announced as peers; those are dialled by the discovery itself.
  const list = settings.bootstrap.filter((address) => peerOfAddress(address) !== undefined)
  if (list.length > 0) modules.push(bootstrap({ list, timeout: 0 }))
  if (settings.mdns && !settings.loopbackOnly) {
    modules.push((components) => {
      const service = mdns({ serviceTag: '_plexichat._udp.local' })(components)
      service.addEventListener('peer', (event) => {
        for (const address of event.detail.multiaddrs) policy.announced(address.toString())
      })
      return service
    })
  }
  return modules
}

function pskText(key: Uint8Array): Uint8Array {
  return utf8(`/key/swarm/psk/1.0.0/\n/base16/\n${toHex(key)}`)
}

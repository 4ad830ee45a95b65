/**
 * What a node can be told, and every bound it keeps (docs/spec/06-dht-records.md, docs/spec/05-storage-protocol.md).
 * Numbers are starting values; none of them is part of a format unless the spec says so.
 */
import { DAY, HOUR, MINUTE, SECOND } from '../base/clock.ts'
import { KiB, MiB } from '../base/bytes.ts'

export interface NodeOptions {
  /** Multiaddrs to listen on; none makes a node that only dials. */
  readonly listen: readonly string[]
  /** Multiaddrs of members, with or without `/p2p/…`. */
  readonly bootstrap: readonly string[]
  /** Name of the circle: `main` or the id of a private one. */
  readonly circle: string
  /** 32 bytes: only nodes that know it can connect. */
  readonly circleKey?: Uint8Array
  /** Bytes lent to others; 0 lends nothing. */
  readonly offerBytes: number
  /** Share of the disk that hosting leaves free. */
  readonly diskReserveShare?: number
  /** Name of this device, shown to people. */
  readonly name: string
  /** Own private subnets count as one circle of trust for placement and dialling. */
  readonly lan?: boolean
  /** Announce and look for peers on the local network; never on a loopback-only daemon. */
  readonly mdns?: boolean
  readonly limits?: Partial<NodeLimits>
}

export interface NodeLimits {
  /** No byte moved in either direction for this long: the host counts as hanging. */
  readonly idleTimeoutMs: number
  readonly dialTimeoutMs: number
  /** Waiting for a reply to a small question (offer, has, get-head). */
  readonly askTimeoutMs: number
  /** One shard, however steadily it trickles. */
  readonly shardTimeoutMs: number
  /** One discovery, all rounds together. */
  readonly discoveryTimeoutMs: number
  /** After the start, discoveries look a little longer. */
  readonly settleMs: number
  /** Start-up waits this long for the bootstrap addresses to answer. */
  readonly introductionMs: number
  /** Pause between two rounds of one discovery. */
  readonly discoveryPauseMs: number
  /** Converged discoveries are trusted for this long. */
  readonly discoveryFreshMs: number
  readonly maxDiscoveryRounds: number
  /** Offers are asked again when older. */
  readonly offerFreshMs: number
  /** Peers whose offers are asked at once, and kept as candidates. */
  readonly maxAsksAtOnce: number
  readonly maxAsksPerHost: number
  readonly maxCandidates: number
  /** Shards on their way to or from one host, and to all of them. */
  readonly maxShardsPerHost: number
  readonly maxShardsAtOnce: number
  /** Attempts on one host before a standby is asked. */
  readonly putAttempts: number
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** A host that hung or vanished is left alone for this long. */
  readonly coolDownMs: number
  /** A second holder is asked when the first has not delivered by then. */
  readonly hedgeMs: number
  readonly maxHeadHosts: number
  readonly republishMs: number
  readonly firstRepublishMs: number
  readonly maxPeersKnown: number
}

export const defaultLimits: NodeLimits = {
  idleTimeoutMs: 15 * SECOND,
  dialTimeoutMs: 5 * SECOND,
  askTimeoutMs: 5 * SECOND,
  shardTimeoutMs: 2 * MINUTE,
  discoveryTimeoutMs: 12 * SECOND,
  settleMs: 10 * SECOND,
  introductionMs: 2 * SECOND,
  discoveryPauseMs: 150,
  discoveryFreshMs: 20 * SECOND,
  maxDiscoveryRounds: 12,
  offerFreshMs: 10 * MINUTE,
  maxAsksAtOnce: 16,
  maxAsksPerHost: 4,
  maxCandidates: 256,
  maxShardsPerHost: 3,
  maxShardsAtOnce: 16,
  putAttempts: 2,
  retryFirstMs: 200,
  retryMaxMs: 2 * SECOND,
  coolDownMs: 30 * SECOND,
  hedgeMs: 2 * SECOND,
  maxHeadHosts: 12,
  republishMs: 12 * HOUR,
  firstRepublishMs: MINUTE,
  maxPeersKnown: 4_096,
}

/** Transport bounds: sum over one peer stays below 16 MiB (docs/spec/05-storage-protocol.md, limits). */
export const transportLimits = {
  maxConnections: 300,
  maxPendingInbound: 64,
  maxParallelDials: 32,
  /** New connections a second from one address; libp2p's own 5 resets honest peers behind one NAT. */
  inboundPerSecond: 64,
  /** On loopback every member shares one address. */
  inboundPerSecondLoopback: 1_024,
  maxStreamsPerProtocol: 16,
  maxStreamsPerConnection: 128,
  initialWindowBytes: 256 * KiB,
  maxWindowBytes: 256 * KiB,
  maxReadBufferBytes: MiB,
  streamInactivityMs: 2 * MINUTE,
  keepAliveMs: 30 * SECOND,
  monitorMs: MINUTE,
} as const

/** What others may leave in this node's part of the DHT (docs/spec/06-dht-records.md, caps). */
export const dhtLimits = {
  maxRecordBytes: 2_048,
  /** The same with libp2p's wrapping: key and time of arrival. */
  maxStoredRecordBytes: 2_304,
  maxRecords: 2_048,
  maxRecordsPerPeer: 256,
  maxProviders: 1_024,
  maxProvidersPerPeer: 64,
  /** Entries of libp2p's peer store. */
  maxPeerEntries: 4_096,
  maxPeerEntryBytes: 16 * KiB,
  /** Writes that one peer, and all together, may cause. */
  writesPerPeer: { burst: 512, perSecond: 1 },
  writesOfAll: { burst: 4_096, perSecond: 16 },
  refreshMs: HOUR,
  queryTimeoutMs: 8 * SECOND,
} as const

/** Head records (docs/spec/06-dht-records.md): part of the format. */
export const headRecordFormat = {
  periodMs: 30 * DAY,
  slots: 4,
  periodsAhead: 14,
  maxHosts: 8,
  maxAddressesPerHost: 4,
  maxAddressBytes: 128,
} as const

export const inviteFormat = { maxAddresses: 8, maxCodeChars: 2_048, tokenBytes: 16, maxUses: 1_000 } as const

/** One-time codes for new devices (docs/spec/06-dht-records.md, device codes). */
export const deviceCodeLimits = {
  /** Wrong proofs that end a code. */
  wrongProofs: 3,
  /** How often a new device asks whether it was answered. */
  askEveryMs: SECOND,
  /** The device that made the code may be out of reach for so many requests in a row. */
  failures: 5,
} as const

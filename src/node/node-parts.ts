/**
 * How a node is put together, from the disk upwards: database, policy, datastore, host store, libp2p, links, discovery,
 * groups, transfers. Nothing runs yet when this returns, except what has to be open to be read.
 */
import { LevelDatastore } from 'datastore-level'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Random } from '../base/random.ts'
import { openCertificate } from '../crypto/certificate.ts'
import type { PeerKey, VaultId } from '../crypto/ids.ts'
import type { SigningKey } from '../crypto/signature.ts'
import { inSubnet, ipOf, loopbackOnly, scopeOf, type Subnet } from './addresses.ts'
import { CircleBook } from './circles.ts'
import { Attribution } from './dht/bounded-datastore.ts'
import { dhtMode } from './dht/circle-dht.ts'
import { HeadDirectory } from './dht/head-directory.ts'
import { headRecordRules } from './dht/head-records.ts'
import { Republisher } from './dht/republish.ts'
import { boundedStore } from './dht/store-rules.ts'
import { CodeDesk } from './device-desk.ts'
import { DialPolicy } from './dial-policy.ts'
import { hostDefaults, HostStore } from './host/index.ts'
import { InviteBook } from './invites.ts'
import { makeLibp2p, type CircleLibp2p } from './libp2p.ts'
import { Membership, type MembershipDeps } from './membership.ts'
import { defaultLimits, type NodeLimits, type NodeOptions } from './options.ts'
import { ownSubnets } from './own-subnets.ts'
import { PeerNetwork } from './peer-network.ts'
import { openPeersDatabase, type PeersDatabase } from './peers/database.ts'
import { Discovery, type DiscoveryDeps } from './peers/discovery.ts'
import { PeerTable } from './peers/peer-table.ts'
import { eligible, type Candidate } from './placement/candidates.ts'
import { GroupBook } from './placement/group-book.ts'
import { GroupFormer } from './placement/group-former.ts'
import { OFFER_PROTOCOL } from './protocols/index.ts'
import { PeerStanding } from './standing.ts'
import { Fetcher } from './transfer/fetch.ts'
import { Heads } from './transfer/heads.ts'
import { WireCalls } from './transfer/host-calls.ts'
import { PeerLinks } from './transfer/peer-links.ts'
import { Placer, type PlaceDeps } from './transfer/place.ts'

/** What a node needs to know of the device it runs on. */
export interface NodeIdentity {
  /** 32 bytes: seed of the device's Ed25519 key, which is the libp2p key. */
  readonly peerSeed: Uint8Array
  readonly certificate: Uint8Array
  /** The same key. */
  readonly sign: SigningKey
  readonly vault: VaultId
  readonly rendezvous: Uint8Array
  /** The vault's newest signed terms. */
  terms(): Uint8Array
}

export interface NodeDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  /** Paths in the home. `peersDb` may be `:memory:`. */
  readonly home: { readonly hosted: string; readonly datastore: string; readonly peersDb: string }
  readonly device: NodeIdentity
}

/** Everything of a node that is worth naming. */
export type NodeParts = Awaited<ReturnType<typeof assemble>>

export async function assemble(options: NodeOptions, deps: NodeDeps) {
  const limits: NodeLimits = { ...defaultLimits, ...options.limits }
  const ground = await layGround(options, limits, deps)
  const { libp2p, policy, table, standing, bootstrap } = ground
  const { clock, random, log, device } = deps
  const links = new PeerLinks(limits, { libp2p, policy, clock })
  const certificate = (): Uint8Array => device.certificate
  const caller = { vault: device.vault, sign: device.sign, certificate, terms: () => device.terms() }
  const calls = new WireCalls({}, { links, clock, caller })
  const askOffer: DiscoveryDeps['askOffer'] = (host, signal) => calls.offer(host, signal)
  const discovery = new Discovery(
    { bootstrap, offerProtocol: OFFER_PROTOCOL, limits },
    { libp2p, policy, table, clock, random, log, askOffer, met: (peer) => links.awake(peer) },
  )
  const candidates = (): Candidate[] => candidatesOf({ discovery, table, links, standing }, ground.place)
  const directory = new HeadDirectory({ dht: libp2p.services.dht, clock, log })
  const network = makeNetwork(limits, { ...deps, ...ground, links, calls, discovery, candidates, directory })
  const addresses = (): string[] => libp2p.getMultiaddrs().map(String)
  const befriended: MembershipDeps['befriended'] = (peer, at) => void discovery.ask({ peer, addresses: at })
  const membership = new Membership(
    { circle: options.circle, circleKey: ground.closed, name: options.name },
    { ...ground, links, clock, log, vault: device.vault, certificate, addresses, befriended },
  )
  const devices = new CodeDesk({
    ...{ clock, random, addresses },
    ...{ self: peerOf(device), vault: device.vault, circle: options.circle, circleKey: ground.closed },
  })
  const republisher = new Republisher(
    { everyMs: limits.republishMs, firstMs: limits.firstRepublishMs },
    { directory, clock, random, log, records: () => ground.store.headRecords() },
  )
  return { ...ground, limits, links, calls, discovery, candidates, network, membership, devices, republisher }
}

interface NetworkParts extends NodeDeps, Pick<PlaceDeps, 'book' | 'table'> {
  readonly policy: DialPolicy
  readonly libp2p: CircleLibp2p
  readonly links: PeerLinks
  readonly calls: WireCalls
  readonly discovery: Discovery
  readonly directory: HeadDirectory
  readonly candidates: () => Candidate[]
}

function makeNetwork(limits: NodeLimits, parts: NetworkParts): PeerNetwork {
  const { book, calls, discovery, candidates, libp2p } = parts
  const hosts = (who: readonly Candidate[]) => who.map(({ peer, addresses }) => ({ peer, addresses }))
  const converge = (signal: AbortSignal): Promise<void> => discovery.converge(signal)
  return new PeerNetwork(limits, {
    book,
    calls,
    converge,
    members: () => hosts(candidates().filter(eligible)),
    former: new GroupFormer({ ...parts, converge }),
    placer: new Placer(limits, parts),
    fetcher: new Fetcher(limits, { ...parts, everybody: () => hosts(candidates()) }),
    heads: new Heads(limits, { ...parts, rendezvous: parts.device.rendezvous }),
    named: (address) => {
      parts.policy.allow(address)
    },
    online: () => libp2p.getConnections().length > 0,
  })
}

/** What stands alone: files, databases, the policy, and libp2p on top of them. */
async function layGround(options: NodeOptions, limits: NodeLimits, deps: NodeDeps) {
  const database = await openPeersDatabase(deps.home.peersDb, deps.disk)
  try {
    return await layOn(database, options, { ...deps, limits })
  } catch (error) {
    database.close()
    throw error
  }
}

async function layOn(database: PeersDatabase, options: NodeOptions, deps: NodeDeps & { limits: NodeLimits }) {
  const { clock, random, device, limits } = deps
  const circles = new CircleBook({ database, clock, random })
  const known = circles.get(options.circle)
  const closed = options.circleKey ?? known?.key
  const bootstrap = [...new Set([...options.bootstrap, ...(known?.bootstrap ?? [])])]
  const local = loopbackOnly(options.listen)
  const place = { loopbackOnly: local, lan: options.lan === true, subnets: ownSubnets() }
  const policy = new DialPolicy(place)
  const table = new PeerTable({ maxPeers: limits.maxPeersKnown }, { database, clock })
  for (const peer of table.list()) if (peer.blocked) policy.block(peer.peer, true)
  const attribution = new Attribution()
  const level = await openDatastore(deps.home.datastore)
  const datastore = boundedStore(level, { clock, attribution })
  await datastore.load()
  const libp2p = await makeLibp2p(
    {
      peerSeed: device.peerSeed,
      listen: options.listen,
      bootstrap,
      ...(closed === undefined ? {} : { circleKey: closed }),
      loopbackOnly: local,
      mdns: options.mdns !== false,
      dht: {
        circle: options.circle,
        server: dhtMode(options.listen, bootstrap) === 'server',
        records: headRecordRules(clock),
      },
    },
    { datastore, policy, attribution },
  )
  return {
    database,
    circles,
    closed,
    bootstrap,
    place,
    policy,
    table,
    level,
    datastore,
    libp2p,
    book: new GroupBook(database),
    invites: new InviteBook({ database, clock, random }),
    standing: new PeerStanding({ vouchEverybody: local }, { table, vault: device.vault }),
    store: hostStore(options, { ...deps, table }),
  }
}

function hostStore(options: NodeOptions, deps: NodeDeps & { readonly table: PeerTable }): HostStore {
  const { disk, clock, random, log, metrics, table } = deps
  const grantOf = (vault: string): number | undefined => table.quotaOf(vault)
  const diskReserve = options.diskReserveShare ?? hostDefaults.diskReserve
  const path = deps.home.hosted
  return new HostStore(
    { ...hostDefaults, offerBytes: options.offerBytes, diskReserve },
    { disk, clock, random, log, metrics, path, grantOf },
  )
}

async function openDatastore(path: string): Promise<LevelDatastore> {
  const level = new LevelDatastore(path)
  await level.open()
  return level
}

interface Ground {
  readonly discovery: Discovery
  readonly table: PeerTable
  readonly links: PeerLinks
  readonly standing: PeerStanding
}

/** Hosts that answered, as placement sees them. */
function candidatesOf(
  { discovery, table, links, standing }: Ground,
  place: { loopbackOnly: boolean; lan: boolean; subnets: readonly Subnet[] },
): Candidate[] {
  return [...discovery.members()].flatMap(([peer, offer]) => {
    const known = table.get(peer)
    if (known?.blocked === true || links.resting(peer)) return []
    const observed = links.observed(peer)
    const ip = observed === undefined ? undefined : ipOf(observed)
    const local =
      (place.loopbackOnly && observed !== undefined && scopeOf(observed) === 'loopback') ||
      (place.lan && ip !== undefined && place.subnets.some((subnet) => inSubnet(ip, subnet)))
    return [
      {
        peer,
        addresses: known?.addresses ?? [],
        vault: offer.vault,
        vouched: standing.vouched(peer, offer.vault),
        stamped: offer.stamped,
        accepting: offer.accepting,
        freeBytes: offer.freeBytes,
        ip,
        local,
        score: 1,
        availability: 1,
        speed: 1,
      },
    ]
  })
}

/** The peer a certificate is for. */
export function peerOf(device: NodeIdentity): PeerKey {
  return openCertificate(device.certificate).peer
}

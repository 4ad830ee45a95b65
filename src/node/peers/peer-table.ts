/**
 * What this node knows of its peers, in `peers.db`. Only what it saw itself, what a peer signed, or what a person said;
 * nothing a third party claims (docs/spec/06-dht-records.md, peers). Invariants: at most `maxPeers` entries; vouched and
 * blocked peers and those that hold shards are never forgotten to make room; what people decide is durable at once.
 */
import type { Clock } from '../../base/clock.ts'
import { peerKey, type PeerKey } from '../../crypto/ids.ts'
import type { PeersDatabase } from './database.ts'

/** What a host said about itself, reduced to what placement and people need. */
export interface KnownOffer {
  readonly capacityBytes: number
  readonly freeBytes: number
  /** It takes new shards at all. */
  readonly accepting: boolean
}

export interface KnownPeer {
  readonly peer: PeerKey
  /** Hex vault id, from its certificate. */
  readonly vault: string | undefined
  readonly name: string
  /** Without `/p2p`, at most 8, newest first. */
  readonly addresses: readonly string[]
  readonly vouched: boolean
  readonly blocked: boolean
  readonly quotaBytes: number | undefined
  readonly offer: KnownOffer | undefined
  readonly offerTime: number | undefined
  readonly firstSeen: number
  readonly lastSeen: number | undefined
  readonly successes: number
  readonly failures: number
  readonly lastFault: string | undefined
  readonly bytesStored: number
  readonly bytesFetched: number
}

export const MAX_PEER_ADDRESSES = 8
const MAX_NAME_CHARS = 64
/** Parts of ids shorter than this name nobody. */
const MIN_PART_CHARS = 4
const MAX_FAULT_CHARS = 200

/** Sights and counters wait this long at most before they are written together; a crash loses no more than these. */
export const FLUSH_MS = 10_000

interface Row {
  peer: string
  vault: string | null
  name: string
  addresses: string
  vouched: number
  blocked: number
  quota_bytes: number | null
  offer: string | null
  offer_time: number | null
  first_seen: number
  last_seen: number | null
  successes: number
  failures: number
  last_fault: string | null
  bytes_stored: number
  bytes_fetched: number
}

export class PeerTable {
  readonly #options: { readonly maxPeers: number }
  readonly #clock: Clock
  readonly #peers = new Map<PeerKey, KnownPeer>()
  readonly #unwritten = new Set<PeerKey>()
  readonly #write: (peers: readonly KnownPeer[]) => void
  readonly #erase: (peer: PeerKey) => void

  constructor(options: { maxPeers: number }, deps: { database: PeersDatabase; clock: Clock }) {
    this.#options = options
    this.#clock = deps.clock
    const { database } = deps
    const put = database.prepare<Row>(
      `INSERT OR REPLACE INTO peer VALUES (@peer, @vault, @name, @addresses, @vouched, @blocked, @quota_bytes, @offer,
       @offer_time, @first_seen, @last_seen, @successes, @failures, @last_fault, @bytes_stored, @bytes_fetched)`,
    )
    const drop = database.prepare<[string]>('DELETE FROM peer WHERE peer = ?')
    this.#write = database.transaction((peers: readonly KnownPeer[]) => {
      for (const peer of peers) put.run(toRow(peer))
    })
    this.#erase = (peer) => void drop.run(peer)
    for (const row of database.prepare<[], Row>('SELECT * FROM peer').iterate()) {
      this.#peers.set(row.peer as PeerKey, fromRow(row))
    }
  }

  get(peer: PeerKey): KnownPeer | undefined {
    return this.#peers.get(peer)
  }

  /** Everybody, the most recently seen first. */
  list(): KnownPeer[] {
    return [...this.#peers.values()].sort((a, b) => (b.lastSeen ?? 0) - (a.lastSeen ?? 0) || (a.peer < b.peer ? -1 : 1))
  }

  /**
   * The peer of that id; else peers of that name, and those whose id starts or ends so or whose vault starts so. Peers
   * name themselves, so a name never hides another whose id it looks like.
   */
  find(text: string): KnownPeer[] {
    const whole = this.#peers.get(text as PeerKey)
    if (whole !== undefined) return [whole]
    if (isPeerKey(text)) return []
    const like = (known: KnownPeer): boolean =>
      text.length >= MIN_PART_CHARS &&
      (known.peer.startsWith(text) || known.peer.endsWith(text) || known.vault?.startsWith(text) === true)
    return this.list().filter((known) => known.name === text || like(known))
  }

  /** Makes an entry where there is none; false when the table is full of peers that matter more. */
  know(peer: PeerKey): boolean {
    if (this.#peers.has(peer)) return true
    if (this.#peers.size >= this.#options.maxPeers && !this.#forgetOne()) return false
    this.#peers.set(peer, { ...nobody, peer, firstSeen: this.#clock.now() })
    this.#unwritten.add(peer)
    return true
  }

  /** Addresses a connection or the peer itself showed; the newest come first. */
  seenAt(peer: PeerKey, addresses: readonly string[]): void {
    const known = this.#peers.get(peer)?.addresses ?? []
    const merged = [...new Set([...addresses, ...known])].slice(0, MAX_PEER_ADDRESSES)
    this.#later(peer, { addresses: merged, lastSeen: this.#clock.now() })
  }

  /**
   * `offer.vault` is from the certificate that came with the offer. A vouched peer stays with the vault it was vouched
   * for: any vault can issue a certificate for any peer, and whoever has a stolen device makes vaults at will.
   */
  offered(peer: PeerKey, offer: KnownOffer & { readonly vault: string }): void {
    const { capacityBytes, freeBytes, accepting } = offer
    const known = this.#peers.get(peer)
    const vault = known?.vouched === true && known.vault !== undefined ? known.vault : offer.vault
    this.#later(peer, { offer: { capacityBytes, freeBytes, accepting }, offerTime: this.#clock.now(), vault })
  }

  /** What a peer calls itself and whose it is, from an exchange in which it proved both. */
  introduced(peer: PeerKey, who: { vault: string; name: string }): void {
    this.#now(peer, { vault: who.vault, name: who.name.slice(0, MAX_NAME_CHARS) })
  }

  /** The name a person gives it. */
  call(peer: PeerKey, name: string): void {
    this.#now(peer, { name: name.slice(0, MAX_NAME_CHARS) })
  }

  vouch(peer: PeerKey, vouched: boolean): void {
    this.#now(peer, { vouched })
  }

  block(peer: PeerKey, blocked: boolean): void {
    this.#now(peer, { blocked })
  }

  setQuota(peer: PeerKey, bytes: number | null): void {
    this.#now(peer, { quotaBytes: bytes ?? undefined })
  }

  succeeded(peer: PeerKey, moved: { stored?: number; fetched?: number }): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#later(peer, {
      successes: known.successes + 1,
      bytesStored: known.bytesStored + (moved.stored ?? 0),
      bytesFetched: known.bytesFetched + (moved.fetched ?? 0),
      lastSeen: this.#clock.now(),
    })
  }

  failed(peer: PeerKey, fault: string): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#later(peer, { failures: known.failures + 1, lastFault: fault.slice(0, MAX_FAULT_CHARS) })
  }

  /** A peer that was trusted before it was met: the vault it shows first is the one it is trusted with. */
  belongs(peer: PeerKey, vault: string): void {
    this.#now(peer, { vault })
  }

  /** Whether any device of the vault is vouched for. */
  vaultVouched(vault: string): boolean {
    for (const peer of this.#peers.values()) if (peer.vouched && !peer.blocked && peer.vault === vault) return true
    return false
  }

  /** The least that a person grants any device of the vault; undefined where nobody said. */
  quotaOf(vault: string): number | undefined {
    const said = [...this.#peers.values()].flatMap((peer) => (peer.vault === vault ? (peer.quotaBytes ?? []) : []))
    return said.length === 0 ? undefined : Math.min(...said)
  }

  /** Whether any device of the vault is blocked. */
  vaultBlocked(vault: string): boolean {
    for (const peer of this.#peers.values()) if (peer.blocked && peer.vault === vault) return true
    return false
  }

  /** Writes what waits, as one transaction. */
  flush(): void {
    const waiting = [...this.#unwritten].flatMap((peer) => this.#peers.get(peer) ?? [])
    this.#unwritten.clear()
    if (waiting.length > 0) this.#write(waiting)
  }

  /** Sights and counters: they come by the thousand, and a disk flush each would hold up everything else. */
  #later(peer: PeerKey, change: Partial<KnownPeer>): void {
    if (!this.know(peer)) return
    this.#peers.set(peer, { ...(this.#peers.get(peer) as KnownPeer), ...change })
    this.#unwritten.add(peer)
  }

  /** What people decided is on disk when this returns. */
  #now(peer: PeerKey, change: Partial<KnownPeer>): void {
    this.#later(peer, change)
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#unwritten.delete(peer)
    this.#write([known])
  }

  #forgetOne(): boolean {
    let oldest: KnownPeer | undefined
    for (const peer of this.#peers.values()) {
      if (peer.vouched || peer.blocked || peer.bytesStored > 0) continue
      if (oldest === undefined || (peer.lastSeen ?? 0) < (oldest.lastSeen ?? 0)) oldest = peer
    }
    if (oldest === undefined) return false
    this.#peers.delete(oldest.peer)
    this.#unwritten.delete(oldest.peer)
    this.#erase(oldest.peer)
    return true
  }
}

const nobody: Omit<KnownPeer, 'peer' | 'firstSeen'> = {
  vault: undefined,
  name: '',
  addresses: [],
  vouched: false,
  blocked: false,
  quotaBytes: undefined,
  offer: undefined,
  offerTime: undefined,
  lastSeen: undefined,
  successes: 0,
  failures: 0,
  lastFault: undefined,
  bytesStored: 0,
  bytesFetched: 0,
}

function isPeerKey(text: string): boolean {
  try {
    peerKey(text)
    return true
  } catch {
    return false
  }
}

function fromRow(row: Row): KnownPeer {
  return {
    peer: row.peer as PeerKey,
    vault: row.vault ?? undefined,
    name: row.name,
    addresses: JSON.parse(row.addresses) as string[],
    vouched: row.vouched === 1,
    blocked: row.blocked === 1,
    quotaBytes: row.quota_bytes ?? undefined,
    offer: row.offer === null ? undefined : (JSON.parse(row.offer) as KnownOffer),
    offerTime: row.offer_time ?? undefined,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen ?? undefined,
    successes: row.successes,
    failures: row.failures,
    lastFault: row.last_fault ?? undefined,
    bytesStored: row.bytes_stored,
    bytesFetched: row.bytes_fetched,
  }
}

function toRow(peer: KnownPeer): Row {
  return {
    peer: peer.peer,
    vault: peer.vault ?? null,
    name: peer.name,
    addresses: JSON.stringify(peer.addresses),
    vouched: peer.vouched ? 1 : 0,
    blocked: peer.blocked ? 1 : 0,
    quota_bytes: peer.quotaBytes ?? null,
    offer: peer.offer === undefined ? null : JSON.stringify(peer.offer),
    offer_time: peer.offerTime ?? null,
    first_seen: peer.firstSeen,
    last_seen: peer.lastSeen ?? null,
    successes: peer.successes,
    failures: peer.failures,
    last_fault: peer.lastFault ?? null,
    bytes_stored: peer.bytesStored,
    bytes_fetched: peer.bytesFetched,
  }
}

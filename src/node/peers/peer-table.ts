/**
 * What this node knows of its peers, in `peers.db`. Only what it saw itself, what a peer signed, or what a person said;
 * nothing a third party claims (docs/spec/06-dht-records.md, peers). Invariant: at most `maxPeers` rows; vouched and
 * blocked peers and those that hold shards are never forgotten to make room.
 */
import type { Clock } from '../../base/clock.ts'
import type { PeerKey } from '../../crypto/ids.ts'
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
  readonly #database: PeersDatabase
  readonly #clock: Clock

  constructor(options: { maxPeers: number }, deps: { database: PeersDatabase; clock: Clock }) {
    this.#options = options
    this.#database = deps.database
    this.#clock = deps.clock
  }

  get(peer: PeerKey): KnownPeer | undefined {
    const row = this.#database.prepare<[string], Row>('SELECT * FROM peer WHERE peer = ?').get(peer)
    return row === undefined ? undefined : fromRow(row)
  }

  /** Everybody, the most recently seen first. */
  list(): KnownPeer[] {
    const rows = this.#database.prepare<[], Row>('SELECT * FROM peer ORDER BY last_seen DESC, peer').all()
    return rows.map(fromRow)
  }

  /** Peers of that id or name; else those whose id starts or ends so, or whose vault starts so. */
  find(text: string): KnownPeer[] {
    const exact = this.list().filter((known) => known.peer === text || known.name === text)
    if (exact.length > 0) return exact
    if (text.length < 4) return []
    const named = (known: KnownPeer): boolean => known.peer.startsWith(text) || known.peer.endsWith(text)
    return this.list().filter((known) => named(known) || known.vault?.startsWith(text) === true)
  }

  /** Makes a row where there is none; false when the table is full of peers that matter more. */
  know(peer: PeerKey): boolean {
    if (this.get(peer) !== undefined) return true
    const { n } = this.#database.prepare('SELECT count(*) AS n FROM peer').get() as { n: number }
    if (n >= this.#options.maxPeers && !this.#forgetOne()) return false
    this.#database.prepare('INSERT INTO peer (peer, first_seen) VALUES (?, ?)').run(peer, this.#clock.now())
    return true
  }

  /** Addresses a connection or the peer itself showed; the newest come first. */
  seenAt(peer: PeerKey, addresses: readonly string[]): void {
    if (!this.know(peer)) return
    const known = this.get(peer)?.addresses ?? []
    const merged = [...new Set([...addresses, ...known])].slice(0, MAX_PEER_ADDRESSES)
    if (merged.join() !== known.join()) this.#set(peer, 'addresses', JSON.stringify(merged))
    this.#set(peer, 'last_seen', this.#clock.now())
  }

  /** `offer.vault` is from the certificate that came with the offer. */
  offered(peer: PeerKey, offer: KnownOffer & { readonly vault: string }): void {
    if (!this.know(peer)) return
    const { capacityBytes, freeBytes, accepting, vault } = offer
    this.#database
      .prepare('UPDATE peer SET offer = ?, offer_time = ?, vault = ? WHERE peer = ?')
      .run(JSON.stringify({ capacityBytes, freeBytes, accepting }), this.#clock.now(), vault, peer)
  }

  /** What a peer calls itself and whose it is, from an exchange in which it proved both. */
  introduced(peer: PeerKey, who: { vault: string; name: string }): void {
    if (!this.know(peer)) return
    this.#database
      .prepare('UPDATE peer SET vault = ?, name = ? WHERE peer = ?')
      .run(who.vault, who.name.slice(0, MAX_NAME_CHARS), peer)
  }

  /** The name a person gives it. */
  call(peer: PeerKey, name: string): void {
    this.#database.prepare('UPDATE peer SET name = ? WHERE peer = ?').run(name.slice(0, MAX_NAME_CHARS), peer)
  }

  vouch(peer: PeerKey, vouched: boolean): void {
    if (this.know(peer)) this.#set(peer, 'vouched', vouched ? 1 : 0)
  }

  block(peer: PeerKey, blocked: boolean): void {
    if (this.know(peer)) this.#set(peer, 'blocked', blocked ? 1 : 0)
  }

  setQuota(peer: PeerKey, bytes: number | null): void {
    if (this.know(peer)) this.#set(peer, 'quota_bytes', bytes)
  }

  succeeded(peer: PeerKey, moved: { stored?: number; fetched?: number }): void {
    this.#database
      .prepare(
        `UPDATE peer SET successes = successes + 1, bytes_stored = bytes_stored + ?, bytes_fetched = bytes_fetched + ?,
         last_seen = ? WHERE peer = ?`,
      )
      .run(moved.stored ?? 0, moved.fetched ?? 0, this.#clock.now(), peer)
  }

  failed(peer: PeerKey, fault: string): void {
    this.#database
      .prepare('UPDATE peer SET failures = failures + 1, last_fault = ? WHERE peer = ?')
      .run(fault.slice(0, 200), peer)
  }

  /** Whether any device of the vault is vouched for. */
  vaultVouched(vault: string): boolean {
    return this.#database.prepare('SELECT 1 FROM peer WHERE vault = ? AND vouched = 1 LIMIT 1').get(vault) !== undefined
  }

  #set(peer: PeerKey, column: 'addresses' | 'last_seen' | 'vouched' | 'blocked' | 'quota_bytes', value: unknown): void {
    this.#database.prepare(`UPDATE peer SET ${column} = ? WHERE peer = ?`).run(value, peer)
  }

  #forgetOne(): boolean {
    const gone = this.#database
      .prepare(
        `DELETE FROM peer WHERE peer = (SELECT peer FROM peer WHERE vouched = 0 AND blocked = 0 AND bytes_stored = 0
         ORDER BY last_seen IS NOT NULL, last_seen LIMIT 1)`,
      )
      .run()
    return gone.changes > 0
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

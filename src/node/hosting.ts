/** What this node lends and to whom, for people (docs/spec/05-storage-protocol.md, room). */
import { equal, toHex } from '../base/bytes.ts'
import type { VaultId } from '../crypto/ids.ts'
import { SHARD_BYTES, type ShardId } from '../shard/index.ts'
import type { HostedShard, HostStore } from './host/index.ts'
import type { KnownPeer, PeerTable } from './peers/peer-table.ts'

export interface HostedVault {
  readonly vault: VaultId
  /** A device of it that is known. */
  readonly peer: KnownPeer | undefined
  readonly vouched: boolean
  readonly shards: number
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly firstSeen: number
}

export interface HostingSummary {
  readonly offerBytes: number
  readonly usedBytes: number
  /** For one more shard of anybody; less than a shard counts as full. */
  readonly freeBytes: number
  readonly full: 'offer' | 'disk' | 'paused' | 'vault' | 'vaults' | undefined
  readonly vaults: readonly HostedVault[]
}

export class Hosting {
  readonly #store: HostStore
  readonly #table: PeerTable
  /** Its own terms are kept here too; that alone is no hosting. */
  readonly #own: VaultId

  constructor(deps: { store: HostStore; table: PeerTable; own: VaultId }) {
    this.#store = deps.store
    this.#table = deps.table
    this.#own = deps.own
  }

  async summary(): Promise<HostingSummary> {
    const { offerBytes, storedBytes } = this.#store.usage()
    const vaults = this.#vaults()
    const anybody = vaults[0]?.vault ?? (new Uint8Array(32) as VaultId)
    const room = await this.#store.room(anybody, true)
    return {
      offerBytes,
      usedBytes: storedBytes,
      freeBytes: room.freeBytes,
      full: room.freeBytes < SHARD_BYTES ? room.bound : undefined,
      vaults,
    }
  }

  /** Every hosted shard, vault by vault. */
  list(): AsyncIterable<HostedShard> {
    return this.#store.hosted()
  }

  /** The body as it lies here, checked by nobody yet. Throws `STORAGE_SHARD_NOT_FOUND`. */
  read(at: { vault: VaultId; id: ShardId }): Promise<Uint8Array> {
    return this.#store.shards.read(at)
  }

  /** Bytes kept for a vault; 0 for one that has nothing here. */
  bytesOf(vault: VaultId): number {
    return this.#store.vault(vault)?.bytes ?? 0
  }

  /** Bytes of shards kept for others. */
  heldBytes(): number {
    return this.#vaults().reduce((sum, { bytes }) => sum + bytes, 0)
  }

  resize(offerBytes: number): void {
    this.#store.resize(offerBytes)
  }

  pause(paused: boolean): void {
    this.#store.pause(paused)
  }

  #vaults(): HostedVault[] {
    const peers = this.#table.list()
    const hosted = this.#store.vaults().filter(({ vault, row }) => row.shards > 0 || !equal(vault, this.#own))
    return hosted.map(({ vault, row }) => ({
      vault,
      peer: peers.find((peer) => peer.vault === toHex(vault)),
      vouched: row.vouched,
      shards: row.shards,
      bytes: row.bytes,
      firstSeen: row.firstSeen,
    }))
  }
}

/**
 * The port between the backup engine and whatever keeps its shards: peers (`node`) or a directory (`backup`).
 * Shards cross it as sealed bytes; nothing above this port knows hosts' addresses, nothing below it knows keys.
 */
import type { PeerKey } from '../crypto/ids.ts'
import type { GroupId, ShardId, StripeId } from './ids.ts'

export interface GroupHost {
  readonly peer: PeerKey
  /** Multiaddrs, at most 8, as last seen. */
  readonly addresses: readonly string[]
}

export interface GroupSlot {
  readonly host: GroupHost
  /** Hosts that held this slot before and may still hold older stripes' shards; newest first, at most 8. */
  readonly former: readonly GroupHost[]
}

/** An ordered set of hosts; the i-th shard of a stripe lies on the i-th slot (design: placement groups). */
export interface PlacementGroup {
  readonly id: GroupId
  /** Rises whenever a slot changes hands. */
  readonly version: number
  readonly k: number
  readonly n: number
  /** Exactly n. */
  readonly slots: readonly GroupSlot[]
  readonly standbys: readonly GroupHost[]
  /** P(a holder returns within 7 days), per slot: 0.98 vouched, 0.75 others until measured. */
  readonly returnRates: readonly number[]
}

/** What the index keeps of a stripe. `ids` holds k data then n−k parity shard ids. A short stripe has its own smaller k and n. */
export interface StripeRecord {
  readonly id: StripeId
  readonly k: number
  readonly n: number
  readonly ids: readonly ShardId[]
  readonly group: GroupId
}

/** A host's signed word that it stored a shard; `signed` is the envelope as received. */
export interface Receipt {
  readonly shardId: ShardId
  readonly host: PeerKey
  readonly number: number
  readonly bytes: number
  readonly time: number
  readonly signed: Uint8Array
}

/** What went wrong with one host; `why` decides, `detail` is for people. */
export interface HostFault {
  readonly peer: PeerKey
  readonly why: 'missing' | 'corrupt' | 'timeout' | 'offline' | 'full' | 'refused' | 'protocol'
  readonly detail: string
}

export interface PlaceRequest {
  readonly stripe: StripeRecord
  /** Indices that already have a receipt. */
  readonly held: ReadonlySet<number>
  /**
   * Sealed bytes of shard `index`, from the outbox. May be called more than once per index. Where it throws, or a host
   * finds that they are not the shard's, that shard alone stays missing, and no host is blamed.
   */
  read(index: number): Promise<Uint8Array>
  /** Path of a synced file that holds them, where there is one: it may be linked instead of copied. */
  file?(index: number): string
}

export type PlaceEvent =
  | { readonly type: 'receipt'; readonly index: number; readonly receipt: Receipt }
  | { readonly type: 'fault'; readonly index: number; readonly fault: HostFault }
  /** The body cannot be read here, or is not the shard's any more. */
  | { readonly type: 'unreadable'; readonly index: number; readonly error: Error }
  /** A standby took over slot `index` for good. */
  | { readonly type: 'replaced'; readonly index: number; readonly from: PeerKey; readonly to: PeerKey }
  /** The last event: every eligible host was tried; `missing` indices have no receipt. */
  | { readonly type: 'done'; readonly missing: readonly number[] }

export interface FetchRequest {
  readonly stripe: StripeRecord
  readonly index: number
  /**
   * Room for a shard, written to until the request has ended. Who offers it holds the bytes against the id: whoever
   * reads them from a disk need not, and puts them there; others may give memory of their own.
   */
  readonly into?: Uint8Array
}

/** `bytes` were checked against the shard's id unless the request offered room for them. `faults` names hosts that failed on the way, also on success. */
export type FetchOutcome =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly from: PeerKey; readonly faults: readonly HostFault[] }
  | { readonly ok: false; readonly faults: readonly HostFault[] }

export interface Holder {
  readonly peer: PeerKey
  readonly state: 'held' | 'missing' | 'unreachable' | 'released'
  readonly leaseUntil?: number
}

/** The signed objects of page 3 as bytes; hosts keep them as they are. */
export interface HeadBundle {
  /** Signed vault authority, sealed. */
  readonly authority: Uint8Array
  /** Signed terms, in clear. */
  readonly terms: Uint8Array
  /** Signed notice of the sealed head, in clear. */
  readonly notice: Uint8Array
  /** The sealed head itself, ≤ 256 KiB. */
  readonly sealed: Uint8Array
}

export interface FoundHead {
  readonly bundle: HeadBundle
  readonly source: PeerKey
}

export interface ShardNetwork {
  /**
   * The group for new stripes, formed or widened when hosts allow a better one; looks for peers first when too few are
   * known. Undefined while no host is eligible.
   */
  currentGroup(signal: AbortSignal): Promise<PlacementGroup | undefined>
  /** Every group stripes refer to, newest version each. */
  groups(): readonly PlacementGroup[]
  /** Takes groups from a recovered or newer head; a known group keeps its higher version. */
  adoptGroups(groups: readonly PlacementGroup[]): Promise<void>
  /** Uploads what is missing of one stripe. Host failures are events, not errors. */
  place(request: PlaceRequest, signal: AbortSignal): AsyncIterable<PlaceEvent>
  /** One shard from whoever has it: its slot, former holders, standbys, then anyone who says so. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome>
  /** Asks the possible holders of one shard. */
  locate(request: FetchRequest, signal: AbortSignal): Promise<Holder[]>
  /** Requests release of shards; takes effect after the floor. Resolves to the number of hosts that confirmed. */
  release(requests: readonly FetchRequest[], signal: AbortSignal): Promise<{ confirmed: number; faults: HostFault[] }>
  /** Leaves the bundle with up to 12 hosts and the pointers in the DHT. */
  publishHead(bundle: HeadBundle, signal: AbortSignal): Promise<{ hosts: PeerKey[]; faults: HostFault[] }>
  /** Every head of this vault that reachable members hold, unverified beyond their signatures. */
  findHeads(signal: AbortSignal): Promise<FoundHead[]>
}

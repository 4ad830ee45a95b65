/** Bounds of what this node keeps for others. Spec: docs/spec/05-storage-protocol.md § Limits */
import { DAY, HOUR, MINUTE } from '../../base/clock.ts'
import { GiB, KiB } from '../../base/bytes.ts'
import { MAX_AUTHORITY_BYTES } from '../../crypto/options.ts'
import { MAX_HEAD_BYTES, MAX_NOTICE_BYTES } from '../../shard/index.ts'

/** DHT records left with a head: 4 slots of 14 periods and some to spare. */
export const MAX_RECORDS = 64
export const MAX_RECORD_BYTES = 2 * KiB
/** Longer floors of earlier terms remembered for one vault. */
export const MAX_HELD_FLOORS = 16
/** A head file: all of its parts at their longest, and their CBOR heads. */
export const MAX_HEAD_FILE_BYTES =
  MAX_AUTHORITY_BYTES + MAX_HEAD_BYTES + MAX_NOTICE_BYTES + MAX_RECORDS * (MAX_RECORD_BYTES + 3) + KiB

export interface HostOptions {
  /** Bytes lent to all vaults together; 0 lends nothing. */
  readonly offerBytes: number
  /** Most that one vouched vault may use; never more than `offerBytes`. */
  readonly vaultBytes: number
  /** Most that one stamped stranger may use: `strangerShare` of the offer, at most this. */
  readonly strangerBytes: number
  readonly strangerShare: number
  /** Share of the whole disk that stays free, 0–1. */
  readonly diskReserve: number
  /** Lease given with a put and with every renewal. */
  readonly leaseMs: number
  /** Floor for vaults whose terms are not known yet; also the least that terms may say. */
  readonly leastFloorDays: number
  readonly maxHeadsPerVault: number
  /** Notices of forked heads kept as evidence, per device. */
  readonly maxForksPerDevice: number
  /** Vaults that may have anything here. */
  readonly maxVaults: number
  /** Jobs written in one synced batch of metadata. */
  readonly maxCommitJobs: number
  /** Jobs that may wait for the metadata; more are refused as busy. */
  readonly maxWaitingJobs: number
  readonly sweepEveryMs: number
  /** Expired releases deleted in one go, before other work gets its turn. */
  readonly sweepBatch: number
  /** A wall clock that moved this much against elapsed time is not believed for one sweep. */
  readonly clockJumpMs: number
}

export const hostDefaults: HostOptions = {
  offerBytes: 50 * GiB,
  vaultBytes: Number.MAX_SAFE_INTEGER,
  strangerBytes: 5 * GiB,
  strangerShare: 0.1,
  diskReserve: 0.1,
  leaseMs: 90 * DAY,
  leastFloorDays: 7,
  maxHeadsPerVault: 32,
  maxForksPerDevice: 4,
  maxVaults: 10_000,
  maxCommitJobs: 64,
  maxWaitingJobs: 1_024,
  sweepEveryMs: 10 * MINUTE,
  sweepBatch: 256,
  clockJumpMs: HOUR,
}

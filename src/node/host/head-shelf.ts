/**
 * Heads of the vaults kept here, one file per device with everything a recovery needs: authority, notice, sealed head
 * and the pre-signed DHT records. Invariants: a device's seq never goes down; two heads with one seq are a fork, whose
 * notices stay as evidence; a device's file can be replaced by that device alone. The authority is sealed, so a host
 * cannot judge it: each device's head carries its own copy, and no device can spoil another's.
 * Spec: docs/spec/05-storage-protocol.md § Heads
 */
import * as z from 'zod'
import { equal } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { bytesUpTo, decodeAs, encode } from '../../crypto/codec.ts'
import { sha256 } from '../../crypto/hash.ts'
import { type PeerKey, peerKeyOf, publicKeyOfPeer, type VaultId } from '../../crypto/ids.ts'
import { MAX_AUTHORITY_BYTES } from '../../crypto/options.ts'
import { type HeadNotice, MAX_HEAD_BYTES, MAX_NOTICE_BYTES } from '../../shard/index.ts'
import type { CommitQueue, CommitRound } from './commit-queue.ts'
import { forkedHead, noRoom, staleHead } from './errors.ts'
import type { HostLayout } from './layout.ts'
import { currentHead, type HostMetadata } from './metadata.ts'
import type { HostOptions } from './options.ts'
import { MAX_HEAD_FILE_BYTES, MAX_RECORD_BYTES, MAX_RECORDS } from './options.ts'
import type { HeadRow } from './rows.ts'
import type { VaultBook } from './vault-book.ts'

/** One device's head as its host keeps it; all of it opaque but what `notice` says. */
export type StoredHead = z.infer<typeof headFileSchema>

export interface HeadToStore {
  readonly notice: HeadNotice
  /** Hashes and signatures were checked; `content.notice` is the signed form of `notice`. */
  readonly content: Omit<StoredHead, 'v'>
}

export interface DeviceHead {
  readonly device: PeerKey
  readonly storedAt: number
  readonly head: StoredHead
  readonly forks: readonly Uint8Array[]
}

export interface HeadShelfDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly layout: HostLayout
  readonly metadata: HostMetadata
  readonly queue: CommitQueue
  readonly book: VaultBook
}

export class HeadShelf {
  readonly #options: Pick<HostOptions, 'maxHeadsPerVault' | 'maxForksPerDevice'>
  readonly #deps: HeadShelfDeps

  constructor(options: Pick<HostOptions, 'maxHeadsPerVault' | 'maxForksPerDevice'>, deps: HeadShelfDeps) {
    this.#options = options
    this.#deps = deps
  }

  /**
   * Whether a head may come, before its body does. True: all of it is here already. Throws `STORAGE_HEAD_STALE`,
   * `STORAGE_HEAD_FORKED` (the notice is kept as evidence), `STORAGE_QUOTA_EXCEEDED`.
   */
  async check(notice: HeadNotice, offer: { notice: Uint8Array; restHash: Uint8Array }): Promise<boolean> {
    const { metadata } = this.#deps
    const device = publicKeyOfPeer(notice.device)
    const known = await metadata.head(notice.vault, device)
    if (known === undefined) {
      if ((await metadata.heads(notice.vault)).length >= this.#options.maxHeadsPerVault) throw noRoom('vault', 0)
      return false
    }
    if (notice.seq === known.seq && !equal(notice.sealedHash, known.sealedHash)) {
      await this.#keepEvidence(notice, offer.notice)
    } else if (breaksChain(known, notice)) {
      // Newer, so it is accepted; but the one it does not continue must not vanish without a trace.
      const path = this.#deps.layout.head(notice.vault, notice.device)
      const replaced = await readHeadFile(this.#deps.disk, path)
      if (replaced !== undefined) await this.#keepEvidence(notice, replaced.notice)
    }
    refuseOlder(known, notice)
    if (notice.seq !== known.seq) return false
    const file = await readHeadFile(this.#deps.disk, this.#deps.layout.head(notice.vault, notice.device))
    return file !== undefined && equal(restHashOf(file.authority, file.records), offer.restHash)
  }

  /** Durable when it resolves. Throws like `check`: another stream may have been faster. */
  async put({ notice, content }: HeadToStore): Promise<void> {
    const { queue } = this.#deps
    await queue.submit((round) => this.#write(round, notice, content))
  }

  /** Devices of the vault whose heads are here and readable. */
  async devices(vault: VaultId): Promise<PeerKey[]> {
    const { disk, layout, metadata } = this.#deps
    const devices = []
    for (const { device } of await metadata.heads(vault)) {
      const key = peerKeyOf(device)
      if ((await readHeadFile(disk, layout.head(vault, key))) !== undefined) devices.push(key)
    }
    return devices
  }

  /** Throws `STORAGE_NOT_FOUND` when it is not here or damaged. */
  async get(vault: VaultId, device: PeerKey): Promise<DeviceHead> {
    const { disk, layout, metadata } = this.#deps
    const row = await metadata.head(vault, publicKeyOfPeer(device))
    const head = await readHeadFile(disk, layout.head(vault, device))
    if (row === undefined || head === undefined) throw new PlexiError('STORAGE_NOT_FOUND', { what: 'head' })
    return { device, storedAt: row.storedAt, head, forks: row.forks }
  }

  async #write(round: CommitRound, notice: HeadNotice, content: Omit<StoredHead, 'v'>): Promise<void> {
    const { disk, layout, clock, metadata, book } = this.#deps
    const { vault } = notice
    const device = publicKeyOfPeer(notice.device)
    const known = await currentHead(metadata, round.batch, { vault, device })
    if (known !== undefined) refuseOlder(known, notice)
    const vaultRow = book.getOrNew(vault, clock.now())
    const bytes = encodeHeadFile(content)
    await disk.mkdir(layout.vault(vault))
    round.syncDirectory(layout.root)
    await disk.writeFileAtomic(layout.head(vault, notice.device), bytes)
    round.batch.head(
      { vault, device },
      {
        seq: notice.seq,
        sealedHash: notice.sealedHash,
        storedAt: clock.now(),
        bytes: bytes.length,
        forks: known?.forks ?? [],
      },
    )
    book.set(round.batch, vault, { ...vaultRow, headBytes: vaultRow.headBytes + bytes.length - (known?.bytes ?? 0) })
  }

  async #keepEvidence(notice: HeadNotice, signed: Uint8Array): Promise<void> {
    const { metadata, queue } = this.#deps
    const device = publicKeyOfPeer(notice.device)
    await queue.submit(async ({ batch }) => {
      const row = await currentHead(metadata, batch, { vault: notice.vault, device })
      if (row === undefined || row.forks.length >= this.#options.maxForksPerDevice) return
      if (row.forks.some((fork) => equal(fork, signed))) return
      batch.head({ vault: notice.vault, device }, { ...row, forks: [...row.forks, signed] })
    })
  }
}

/** Names what comes with a head and is not under its notice: authority and records. */
export function restHashOf(authority: Uint8Array, records: readonly Uint8Array[]): Uint8Array {
  return sha256(authority, ...records)
}

/** The head in a file; undefined when it is missing or not of the format. */
export async function readHeadFile(disk: Disk, path: string): Promise<StoredHead | undefined> {
  try {
    const bytes = await disk.readFile(path, MAX_HEAD_FILE_BYTES)
    return decodeAs(headFileSchema, bytes, { what: 'head file', maxBytes: MAX_HEAD_FILE_BYTES })
  } catch {
    return undefined
  }
}

export function encodeHeadFile(content: Omit<StoredHead, 'v'>): Uint8Array {
  return encode({ ...content, v: 1 })
}

const headFileSchema = z.strictObject({
  v: z.literal(1),
  notice: bytesUpTo(MAX_NOTICE_BYTES),
  sealed: bytesUpTo(MAX_HEAD_BYTES),
  authority: bytesUpTo(MAX_AUTHORITY_BYTES),
  /** Pre-signed DHT records of the coming periods, opaque here. */
  records: z.array(bytesUpTo(MAX_RECORD_BYTES)).max(MAX_RECORDS),
})

/** The next head must continue the one that is here: else the device has two histories. */
function breaksChain(known: HeadRow, notice: HeadNotice): boolean {
  return notice.seq === known.seq + 1 && notice.prev !== null && !equal(notice.prev, known.sealedHash)
}

function refuseOlder(known: HeadRow, notice: HeadNotice): void {
  if (notice.seq < known.seq) throw staleHead(notice.seq, known.seq)
  if (notice.seq === known.seq && !equal(notice.sealedHash, known.sealedHash)) throw forkedHead(notice.seq)
}

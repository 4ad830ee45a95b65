/**
 * Room: what may still be stored, and reservations for what is on its way. Invariant: stored plus reserved bytes never
 * exceed the offer, a vault's share, or the disk less its reserve. Spec: docs/spec/05-storage-protocol.md § Room
 */
import type { Disk } from '../../base/disk.ts'
import { invariant } from '../../base/errors.ts'
import { noRoom, type Shortage } from './errors.ts'
import type { HostOptions } from './options.ts'

/** Bytes held for one exchange; `release` gives back what was not stored. Both may be called once, `release` also after. */
export interface Reservation {
  readonly bytes: number
  /** The bytes are on disk now and counted in the vault's total. */
  settle(): void
  release(): void
}

export interface Claim {
  /** Hex of the vault id. */
  readonly vault: string
  /** Bytes this vault has stored, now. */
  storedBytes(): number
  readonly vouched: boolean
  /** What a person grants this vault at most, where one said so. */
  readonly grantBytes?: number | undefined
}

type DiskSpace = Awaited<ReturnType<Disk['space']>>

export interface Room {
  readonly freeBytes: number
  /** The tightest bound. */
  readonly bound: Shortage
}

type QuotaOptions = Pick<HostOptions, 'offerBytes' | 'vaultBytes' | 'strangerBytes' | 'strangerShare' | 'diskReserve'>

export class Quota {
  readonly #options: QuotaOptions
  readonly #disk: Pick<Disk, 'space'>
  readonly #path: string
  readonly #reservedBy = new Map<string, number>()
  #offerBytes: number
  #storedBytes = 0
  #reservedBytes = 0
  #accepting = true

  constructor(options: QuotaOptions, deps: { disk: Pick<Disk, 'space'>; path: string }) {
    this.#options = options
    this.#disk = deps.disk
    this.#path = deps.path
    this.#offerBytes = options.offerBytes
  }

  get offerBytes(): number {
    return this.#offerBytes
  }

  get storedBytes(): number {
    return this.#storedBytes
  }

  get reservedBytes(): number {
    return this.#reservedBytes
  }

  get accepting(): boolean {
    return this.#accepting
  }

  /** Below what is stored already: nothing is deleted, nothing more is accepted. */
  resize(offerBytes: number): void {
    invariant(Number.isSafeInteger(offerBytes) && offerBytes >= 0, 'offer in whole bytes')
    this.#offerBytes = offerBytes
  }

  pause(paused: boolean): void {
    this.#accepting = !paused
  }

  /** Stored bytes changed: at start, after a rebuild, after deletions. */
  count(deltaBytes: number): void {
    this.#storedBytes += deltaBytes
  }

  async room(claim: Claim): Promise<Room> {
    return this.#roomNow(claim, await this.#disk.space(this.#path))
  }

  #roomNow(claim: Claim, disk: DiskSpace): Room {
    if (!this.#accepting) return { freeBytes: 0, bound: 'paused' }
    const rooms: readonly Room[] = [
      { bound: 'offer', freeBytes: this.#offerBytes - this.#storedBytes - this.#reservedBytes },
      {
        bound: 'vault',
        freeBytes: this.#share(claim) - claim.storedBytes() - (this.#reservedBy.get(claim.vault) ?? 0),
      },
      { bound: 'disk', freeBytes: this.#diskRoom(disk) },
    ]
    const tightest = rooms.reduce((a, b) => (b.freeBytes < a.freeBytes ? b : a))
    return { bound: tightest.bound, freeBytes: Math.max(0, Math.floor(tightest.freeBytes)) }
  }

  /** Throws `STORAGE_QUOTA_EXCEEDED` naming the bound. Nothing awaits between check and reservation. */
  async reserve(claim: Claim, bytes: number): Promise<Reservation> {
    const disk = await this.#disk.space(this.#path)
    const room = this.#roomNow(claim, disk)
    if (room.freeBytes < bytes) throw noRoom(room.bound, room.freeBytes)
    this.#hold(claim.vault, bytes)
    let open = true
    const end = () => {
      if (open) this.#hold(claim.vault, -bytes)
      open = false
    }
    return {
      bytes,
      settle: () => {
        invariant(open, 'a reservation is settled once')
        end()
      },
      release: end,
    }
  }

  #share(claim: Claim): number {
    const { vaultBytes, strangerBytes, strangerShare } = this.#options
    const grant = claim.grantBytes ?? Infinity
    if (claim.vouched) return Math.min(vaultBytes, this.#offerBytes, grant)
    return Math.min(strangerBytes, this.#offerBytes * strangerShare, grant)
  }

  #diskRoom(disk: { totalBytes: number; freeBytes: number }): number {
    return disk.freeBytes - disk.totalBytes * this.#options.diskReserve - this.#reservedBytes
  }

  #hold(vault: string, bytes: number): void {
    this.#reservedBytes += bytes
    const left = (this.#reservedBy.get(vault) ?? 0) + bytes
    if (left === 0) this.#reservedBy.delete(vault)
    else this.#reservedBy.set(vault, left)
  }
}

/**
 * The vaults this host keeps something for: counters in memory, a row each in the metadata. Small whatever the number
 * of shards. Invariant: a row changed in memory is written in the same batch as what changed it.
 * Spec: docs/spec/05-storage-protocol.md § Host store
 */
import { toHex } from '../../base/bytes.ts'
import { invariant } from '../../base/errors.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { noRoom } from './errors.ts'
import type { HostMetadata, MetadataBatch } from './metadata.ts'
import type { Quota } from './quota.ts'
import type { VaultRow } from './rows.ts'

export class VaultBook {
  readonly #maxVaults: number
  readonly #quota: Quota
  readonly #rows = new Map<string, { readonly vault: VaultId; row: VaultRow }>()

  constructor(options: { maxVaults: number }, deps: { quota: Quota }) {
    this.#maxVaults = options.maxVaults
    this.#quota = deps.quota
  }

  /** Replaces everything in memory by what the metadata says, and the quota's total with it. */
  async load(metadata: HostMetadata): Promise<void> {
    const rows = await metadata.vaults()
    this.#quota.count(-this.#total())
    this.#rows.clear()
    for (const [vault, row] of rows) this.#rows.set(toHex(vault), { vault, row })
    this.#quota.count(this.#total())
  }

  get(vault: VaultId): VaultRow | undefined {
    return this.#rows.get(toHex(vault))?.row
  }

  list(): { vault: VaultId; row: VaultRow }[] {
    return [...this.#rows.values()]
  }

  /** The vault's row, or a new one. Throws `STORAGE_QUOTA_EXCEEDED` when there are too many vaults. */
  getOrNew(vault: VaultId, now: number): VaultRow {
    const known = this.get(vault)
    if (known !== undefined) return known
    if (this.#rows.size >= this.#maxVaults) throw noRoom('vaults', 0)
    return { next: 1, shards: 0, bytes: 0, headBytes: 0, firstSeen: now, vouched: false, heldFloors: [] }
  }

  /** Sets the row in memory and in `batch`, and counts the difference. A vault that keeps nothing stays known. */
  set(batch: MetadataBatch, vault: VaultId, row: VaultRow): void {
    invariant(row.shards >= 0 && row.bytes >= 0 && row.headBytes >= 0, 'a vault stores no less than nothing')
    const before = this.get(vault)
    this.#quota.count(row.bytes + row.headBytes - (before === undefined ? 0 : before.bytes + before.headBytes))
    this.#rows.set(toHex(vault), { vault, row })
    batch.vault(vault, row)
  }

  storedBytes(vault: VaultId): number {
    const row = this.get(vault)
    return row === undefined ? 0 : row.bytes + row.headBytes
  }

  #total(): number {
    let total = 0
    for (const { row } of this.#rows.values()) total += row.bytes + row.headBytes
    return total
  }
}

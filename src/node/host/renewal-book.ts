/**
 * Renewals: one message keeps all of a vault's live shards on this host. The host compares count and Merkle root of
 * what it has with what the owner believes; only when they agree is anything renewed, and nothing is ever shortened.
 * Spec: docs/spec/05-storage-protocol.md § Leases
 */
import { equal } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { VaultId } from '../../crypto/ids.ts'
import { RootHasher } from '../../crypto/merkle.ts'
import type { CommitQueue } from './commit-queue.ts'
import { mergeRenewals } from './lease.ts'
import type { HostMetadata } from './metadata.ts'

export interface RenewalRequest {
  /** Ids that start with these 0 to 2 bytes; empty for all. Lets an owner narrow a mismatch down. */
  readonly prefix: Uint8Array
  /** Shards with higher put numbers are not judged. */
  readonly upTo: number
  readonly count: number
  /** RFC 6962 root over the sorted ids. */
  readonly root: Uint8Array
}

export interface RenewalOutcome {
  readonly matched: boolean
  /** What this host has. */
  readonly count: number
  readonly root: Uint8Array
  /** Lease of the renewed shards; undefined where nothing was renewed. */
  readonly until?: number
}

export class RenewalBook {
  readonly #options: { readonly leaseMs: number }
  readonly #deps: { clock: Clock; metadata: HostMetadata; queue: CommitQueue }

  constructor(
    options: { readonly leaseMs: number },
    deps: { clock: Clock; metadata: HostMetadata; queue: CommitQueue },
  ) {
    this.#options = options
    this.#deps = deps
  }

  async renew(vault: VaultId, request: RenewalRequest): Promise<RenewalOutcome> {
    const { clock, metadata, queue } = this.#deps
    const { count, root } = await this.#count(vault, request)
    if (count === 0 || count !== request.count || !equal(root, request.root)) return { matched: false, count, root }
    const until = await queue.submit(async ({ batch }) => {
      const next = { prefix: request.prefix, upTo: request.upTo, until: clock.now() + this.#options.leaseMs }
      const known = (await metadata.renewals(vault)).find((renewal) => equal(renewal.prefix, request.prefix))
      const merged = mergeRenewals(known, next)
      batch.renewal(vault, merged)
      return merged.until
    })
    return { matched: true, count, root, until }
  }

  /** Live shards only: what waits for its release is neither counted nor renewed. */
  async #count(vault: VaultId, { prefix, upTo }: RenewalRequest): Promise<{ count: number; root: Uint8Array }> {
    const { metadata } = this.#deps
    const hasher = new RootHasher()
    const released = await metadata.releasedIds(vault)
    for await (const page of metadata.shards(vault, prefix)) {
      for (const [id, row] of page) {
        if (row.number <= upTo && !released.has(Buffer.from(id).toString('latin1'))) hasher.update(id)
      }
    }
    return { count: hasher.count, root: hasher.root() }
  }
}

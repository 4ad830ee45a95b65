/** Snapshots decoded and checked once each, by their rows. Invariant: what is given is what decoding the row gives. */
import { equal } from '../../base/bytes.ts'
import type { SnapshotRow } from '../catalogue/snapshot-rows.ts'
import { decodeSnapshot, type Snapshot } from './snapshot.ts'

/** About 1 KB each. */
const MAX_KEPT = 16_384

export class DecodedSnapshots {
  readonly #idMac: Uint8Array
  readonly #kept = new Map<number, { readonly body: Uint8Array; readonly snapshot: Snapshot }>()

  constructor(idMac: Uint8Array) {
    this.#idMac = idMac
  }

  /** Throws as `decodeSnapshot`. */
  of({ no, body }: Pick<SnapshotRow, 'no' | 'body'>): Snapshot {
    const known = this.#kept.get(no)
    if (known !== undefined && equal(known.body, body)) return known.snapshot
    const snapshot = decodeSnapshot(body, this.#idMac)
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear()
    this.#kept.set(no, { body, snapshot })
    return snapshot
  }
}

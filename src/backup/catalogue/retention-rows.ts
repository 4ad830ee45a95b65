/** What the catalogue keeps about forgetting: tombstones, and other devices' heads as last seen. */
import { toHex } from '../../base/bytes.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { Db } from './database.ts'

export interface Tombstone {
  readonly id: Uint8Array
  /** ms since 1970, when a head of this device that names it was out; null before. */
  readonly published: number | null
}

export class RetentionRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  tombstones(): Tombstone[] {
    return this.#db.prepare('SELECT id, published FROM tombstones ORDER BY id').all() as Tombstone[]
  }

  /** Hex ids. */
  forgotten(): Set<string> {
    return new Set(this.tombstones().map(({ id }) => toHex(id)))
  }

  /** Returns how many were not known. */
  bury(ids: Iterable<Uint8Array>): number {
    const insert = this.#db.prepare('INSERT OR IGNORE INTO tombstones (id) VALUES (?)')
    let added = 0
    for (const id of ids) added += insert.run(id).changes
    return added
  }

  unbury(ids: Iterable<Uint8Array>): void {
    const remove = this.#db.prepare('DELETE FROM tombstones WHERE id = ?')
    for (const id of ids) remove.run(id)
  }

  /** All there are ride in the head `seq`. */
  setSeq(seq: number): void {
    this.#db.prepare('UPDATE tombstones SET seq = ? WHERE seq IS NULL').run(seq)
  }

  setPublished(seq: number, time: number): void {
    this.#db.prepare('UPDATE tombstones SET published = ? WHERE published IS NULL AND seq <= ?').run(time, seq)
  }

  otherHeads(): Map<PeerKey, number> {
    const rows = this.#db.prepare('SELECT device, seq FROM other_heads').all() as { device: PeerKey; seq: number }[]
    return new Map(rows.map(({ device, seq }) => [device, seq]))
  }

  sawHead(device: PeerKey, seq: number): void {
    const sql = `INSERT INTO other_heads (device, seq) VALUES (?, ?)
                 ON CONFLICT (device) DO UPDATE SET seq = max(seq, excluded.seq)`
    this.#db.prepare(sql).run(device, seq)
  }
}

/** Heads of this device and what they carry besides snapshots: segments, roots, inline frames, lists of older snapshots. */
import { chunkId, type ChunkId } from '../../shard/index.ts'
import type { Db } from './database.ts'

export interface HeadRow {
  readonly seq: number
  readonly time: number
  /** Revision of the catalogue it shows. */
  readonly revision: number
  readonly notice: Uint8Array
  readonly sealed: Uint8Array
  readonly sealedHash: Uint8Array
  readonly published: boolean
}

interface RawHead {
  seq: number
  time: number
  revision: number
  notice: Buffer
  sealed: Buffer
  sealed_hash: Buffer
  published: number
}

export interface SealedFrame {
  readonly no: number
  readonly epoch: number
  readonly storedBytes: number
  readonly box: Uint8Array
}

/** Heads kept: the newest ones. */
const KEPT_HEADS = 4

export class HeadRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  newest(): HeadRow | undefined {
    const raw = this.#db.prepare('SELECT * FROM heads ORDER BY seq DESC LIMIT 1').get() as RawHead | undefined
    if (raw === undefined) return undefined
    const { seq, time, revision, notice, sealed } = raw
    return { seq, time, revision, notice, sealed, sealedHash: raw.sealed_hash, published: raw.published === 1 }
  }

  add(head: Omit<HeadRow, 'published'>, published: boolean): void {
    const sql =
      'INSERT INTO heads (seq, time, revision, notice, sealed, sealed_hash, published) VALUES (?, ?, ?, ?, ?, ?, ?)'
    const { seq, time, revision, notice, sealed, sealedHash } = head
    this.#db.prepare(sql).run(seq, time, revision, notice, sealed, sealedHash, published ? 1 : 0)
    this.#db.prepare('DELETE FROM heads WHERE seq <= ?').run(seq - KEPT_HEADS)
  }

  setPublished(seq: number): void {
    this.#db.prepare('UPDATE heads SET published = 1 WHERE seq = ?').run(seq)
  }

  meta(key: string): Uint8Array | undefined {
    return (this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(key) as { value: Buffer } | undefined)?.value
  }

  setMeta(key: string, value: Uint8Array): void {
    this.#db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value)
  }

  clearMeta(key: string): void {
    this.#db.prepare('DELETE FROM meta WHERE key = ?').run(key)
  }

  roots(): { no: number; bytes: Uint8Array }[] {
    return this.#db.prepare('SELECT no, bytes FROM roots ORDER BY no').all() as { no: number; bytes: Buffer }[]
  }

  addRoot(bytes: Uint8Array): number {
    return Number(this.#db.prepare('INSERT INTO roots (bytes) VALUES (?)').run(bytes).lastInsertRowid)
  }

  deleteRoot(no: number): void {
    this.#db.prepare('DELETE FROM roots WHERE no = ?').run(no)
  }

  frames(): SealedFrame[] {
    const rows = this.#db.prepare('SELECT no, epoch, stored_bytes, box FROM inline_frames ORDER BY no').all()
    return (rows as { no: number; epoch: number; stored_bytes: number; box: Buffer }[]).map((row) => ({
      no: row.no,
      epoch: row.epoch,
      storedBytes: row.stored_bytes,
      box: row.box,
    }))
  }

  addFrame(frame: Omit<SealedFrame, 'no'>): void {
    const sql = 'INSERT INTO inline_frames (epoch, stored_bytes, box) VALUES (?, ?, ?)'
    this.#db.prepare(sql).run(frame.epoch, frame.storedBytes, frame.box)
  }

  clearFrames(): void {
    this.#db.prepare('DELETE FROM inline_frames').run()
  }

  olderLists(): ChunkId[] {
    const rows = this.#db.prepare('SELECT chunk FROM older_lists ORDER BY no DESC').all() as { chunk: Buffer }[]
    return rows.map((row) => chunkId(row.chunk))
  }

  /** Lists that hold no snapshot any more. */
  dropEmptyLists(): void {
    const sql = 'DELETE FROM older_lists WHERE no NOT IN (SELECT list FROM snapshots WHERE list IS NOT NULL)'
    this.#db.prepare(sql).run()
  }

  /** Number of the list, new or known. */
  addOlderList(chunk: ChunkId): number {
    this.#db.prepare('INSERT OR IGNORE INTO older_lists (chunk) VALUES (?)').run(chunk)
    return (this.#db.prepare('SELECT no FROM older_lists WHERE chunk = ?').get(chunk) as { no: number }).no
  }
}

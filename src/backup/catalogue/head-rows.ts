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

/** Heads kept: the newest ones. Of older ones only their hashes, as far back. */
const KEPT_HEADS = 4
const KEPT_HASHES = 4096

export class HeadRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  newest(): HeadRow | undefined {
    const raw = this.#db.prepare('SELECT * FROM heads ORDER BY seq DESC LIMIT 1').get() as RawHead | undefined
    return raw === undefined ? undefined : fromRaw(raw)
  }

  add(head: Omit<HeadRow, 'published'>, published: boolean): void {
    const sql =
      'INSERT INTO heads (seq, time, revision, notice, sealed, sealed_hash, published) VALUES (?, ?, ?, ?, ?, ?, ?)'
    const { seq, time, revision, notice, sealed, sealedHash } = head
    this.#db.prepare(sql).run(seq, time, revision, notice, sealed, sealedHash, published ? 1 : 0)
    this.#db.prepare('DELETE FROM heads WHERE seq <= ?').run(seq - KEPT_HEADS)
    this.addToChain(seq, sealedHash)
  }

  /** A head with this seq was made here or taken over. */
  addToChain(seq: number, sealedHash: Uint8Array): void {
    this.#db.prepare('INSERT OR IGNORE INTO chain (seq, sealed_hash) VALUES (?, ?)').run(seq, sealedHash)
    this.#db.prepare('DELETE FROM chain WHERE seq <= ?').run(seq - KEPT_HASHES)
  }

  /** Hashes known of that seq; none where it is too long ago. */
  chainAt(seq: number): Uint8Array[] {
    const rows = this.#db.prepare('SELECT sealed_hash FROM chain WHERE seq = ?').all(seq)
    return (rows as { sealed_hash: Buffer }[]).map((row) => row.sealed_hash)
  }

  /** The newest head that hosts took. */
  newestPublished(): HeadRow | undefined {
    const sql = 'SELECT * FROM heads WHERE published = 1 ORDER BY seq DESC LIMIT 1'
    const raw = this.#db.prepare(sql).get() as RawHead | undefined
    return raw === undefined ? undefined : fromRaw(raw)
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

  /** Lists that this device's head names: its own, and those of devices in custody. */
  olderLists(): ChunkId[] {
    const sql = `SELECT chunk FROM older_lists WHERE own = 1 OR no IN
                 (SELECT no FROM named JOIN others USING (device) WHERE custody = 1 AND kind = 4) ORDER BY no DESC`
    const rows = this.#db.prepare(sql).all() as { chunk: Buffer }[]
    return rows.map((row) => chunkId(row.chunk))
  }

  /** Lists that hold no snapshot any more. */
  dropEmptyLists(): void {
    const sql = 'DELETE FROM older_lists WHERE no NOT IN (SELECT list FROM snapshots WHERE list IS NOT NULL)'
    this.#db.prepare(sql).run()
  }

  findOlderList(chunk: ChunkId): number | undefined {
    return (this.#db.prepare('SELECT no FROM older_lists WHERE chunk = ?').get(chunk) as { no: number } | undefined)?.no
  }

  /** Number of the list, new or known. */
  addOlderList(chunk: ChunkId, own = true): number {
    this.#db.prepare('INSERT OR IGNORE INTO older_lists (chunk, own) VALUES (?, 0)').run(chunk)
    if (own) this.#db.prepare('UPDATE older_lists SET own = 1 WHERE chunk = ?').run(chunk)
    return (this.#db.prepare('SELECT no FROM older_lists WHERE chunk = ?').get(chunk) as { no: number }).no
  }
}

function fromRaw({ sealed_hash: sealedHash, published, ...raw }: RawHead): HeadRow {
  return { ...raw, sealedHash, published: published === 1 }
}

/**
 * Snapshots in the catalogue, each with the shards it needs as sorted 32-bit numbers (0: chunks that ride in the head).
 * The set may be larger than needed by a rewritten tail, never smaller.
 */
import { view } from '../../base/bytes.ts'
import { leafHash, merkleRoot } from '../../crypto/merkle.ts'
import { sha256 } from '../../crypto/hash.ts'
import { chunkId, shardId, type ChunkId } from '../../shard/index.ts'
import type { Db } from './database.ts'

export interface SnapshotRow {
  readonly no: number
  readonly id: Uint8Array
  readonly time: number
  readonly chunk: ChunkId
  /** The stored form, MAC included. */
  readonly body: Uint8Array
  /** Undefined until its tree was walked (adopted snapshots). */
  readonly shards: ReadonlySet<number> | undefined
  readonly shardsRoot: Uint8Array
  readonly shardCount: number
  /** The list of older snapshots that holds it; null: the head names it. */
  readonly list: number | null
}

export interface AdoptedSnapshot {
  readonly id: Uint8Array
  readonly time: number
  readonly chunk: ChunkId
  readonly body: Uint8Array
  readonly root: Uint8Array
  readonly count: number
  readonly list: number | null
}

interface Raw {
  no: number
  id: Buffer
  time: number
  chunk: Buffer
  body: Buffer
  shards: Buffer | null
  shards_root: Buffer
  shard_count: number
  list: number | null
}

const NOT_FORGOTTEN = 'WHERE id NOT IN (SELECT id FROM tombstones)'

/** RFC 6962: the root of an empty tree. */
const EMPTY_ROOT = sha256(new Uint8Array(0))

export class SnapshotRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  add(row: { id: Uint8Array; time: number; chunk: ChunkId; body: Uint8Array; shards: ReadonlySet<number> }): number {
    const { root, count } = this.#rootOf(row.shards)
    const sql = `INSERT INTO snapshots (id, time, chunk, body, shards, shards_root, shard_count) VALUES (?, ?, ?, ?, ?, ?, ?)`
    const done = this.#db.prepare(sql).run(row.id, row.time, row.chunk, row.body, pack(row.shards), root, count)
    return Number(done.lastInsertRowid)
  }

  /** Takes a snapshot from a head; false when it is known. */
  adopt(row: AdoptedSnapshot): boolean {
    const sql = `INSERT OR IGNORE INTO snapshots (id, time, chunk, body, shards, shards_root, shard_count, list)
                 VALUES (?, ?, ?, ?, NULL, ?, ?, ?)`
    const { id, time, chunk, body, root, count, list } = row
    return this.#db.prepare(sql).run(id, time, chunk, body, root, count, list).changes > 0
  }

  /** Newest first, without those that were forgotten. */
  all(): SnapshotRow[] {
    const sql = `SELECT * FROM snapshots ${NOT_FORGOTTEN} ORDER BY time DESC, no DESC`
    return (this.#db.prepare(sql).all() as Raw[]).map(fromRaw)
  }

  /** Those forgotten whose data no sweep has given up yet. */
  forgotten(): SnapshotRow[] {
    const sql = 'SELECT * FROM snapshots WHERE id IN (SELECT id FROM tombstones) ORDER BY no'
    return (this.#db.prepare(sql).all() as Raw[]).map(fromRaw)
  }

  remove(no: number): void {
    this.#db.prepare('DELETE FROM snapshots WHERE no = ?').run(no)
  }

  setList(no: number, list: number | null): void {
    this.#db.prepare('UPDATE snapshots SET list = ? WHERE no = ?').run(list, no)
  }

  count(): number {
    return (this.#db.prepare(`SELECT count(*) AS n FROM snapshots ${NOT_FORGOTTEN}`).get() as { n: number }).n
  }

  setShards(no: number, shards: ReadonlySet<number>): void {
    const { root, count } = this.#rootOf(shards)
    const sql = 'UPDATE snapshots SET shards = ?, shards_root = ?, shard_count = ? WHERE no = ?'
    this.#db.prepare(sql).run(pack(shards), root, count, no)
  }

  /** Chunks have moved: wherever one of `from` was needed, all of `to` are. */
  moveUses(from: ReadonlySet<number>, to: readonly number[]): void {
    for (const row of this.all()) {
      if (row.shards === undefined || ![...from].some((no) => row.shards?.has(no))) continue
      this.setShards(row.no, new Set([...row.shards].filter((no) => !from.has(no)).concat(to)))
    }
  }

  #rootOf(shards: ReadonlySet<number>): { root: Uint8Array; count: number } {
    const find = this.#db.prepare('SELECT id FROM shards WHERE no = ?')
    const ids: Uint8Array[] = []
    for (const no of shards) {
      const row = no === 0 ? undefined : (find.get(no) as { id: Buffer } | undefined)
      if (row !== undefined) ids.push(shardId(row.id))
    }
    ids.sort((a, b) => Buffer.compare(a, b))
    return { root: ids.length === 0 ? EMPTY_ROOT : merkleRoot(ids.map(leafHash)), count: ids.length }
  }
}

function fromRaw(raw: Raw): SnapshotRow {
  return {
    no: raw.no,
    id: raw.id,
    time: raw.time,
    chunk: chunkId(raw.chunk),
    body: raw.body,
    shards: raw.shards === null ? undefined : unpack(raw.shards),
    shardsRoot: raw.shards_root,
    shardCount: raw.shard_count,
    list: raw.list,
  }
}

function pack(shards: ReadonlySet<number>): Buffer {
  const sorted = Uint32Array.from(shards).sort()
  const bytes = Buffer.allocUnsafe(sorted.length * 4)
  sorted.forEach((no, i) => bytes.writeUInt32BE(no, i * 4))
  return bytes
}

function unpack(bytes: Uint8Array): Set<number> {
  const from = view(bytes)
  const shards = new Set<number>()
  for (let at = 0; at < from.length; at += 4) shards.add(from.readUInt32BE(at))
  return shards
}

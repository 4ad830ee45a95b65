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
  /** Read when asked for. Undefined until its tree was walked (adopted snapshots). */
  readonly shards: ReadonlySet<number> | undefined
  readonly shardsRoot: Uint8Array
  readonly shardCount: number
  /** The list of older snapshots that holds it; null: the head names it. */
  readonly list: number | null
  /** False: only another device's head names it. */
  readonly own: boolean
}

export interface AdoptedSnapshot {
  readonly id: Uint8Array
  readonly time: number
  readonly chunk: ChunkId
  readonly body: Uint8Array
  readonly root: Uint8Array
  readonly count: number
  readonly list: number | null
  readonly own: boolean
}

interface Raw {
  no: number
  id: Buffer
  time: number
  chunk: Buffer
  body: Buffer
  shards_root: Buffer
  shard_count: number
  list: number | null
  own: number
}

/** Without the shards: of many snapshots they are long. */
const columns = 'no, id, time, chunk, body, shards_root, shard_count, list, own'
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
    this.#useStripes(row.shards)
    return Number(done.lastInsertRowid)
  }

  /** Takes a snapshot from a head. Returns its number, new or known. */
  adopt(row: AdoptedSnapshot): number {
    const sql = `INSERT OR IGNORE INTO snapshots (id, time, chunk, body, shards, shards_root, shard_count, list, own)
                 VALUES (?, ?, ?, ?, NULL, ?, ?, ?, 0)`
    const { id, time, chunk, body, root, count, list } = row
    this.#db.prepare(sql).run(id, time, chunk, body, root, count, list)
    if (row.own) this.#db.prepare('UPDATE snapshots SET own = 1 WHERE id = ?').run(id)
    return (this.#db.prepare('SELECT no FROM snapshots WHERE id = ?').get(id) as { no: number }).no
  }

  /** What this device's head names itself, newest first: its own and those of devices in custody, without those in lists. */
  inHead(): SnapshotRow[] {
    const sql = `SELECT ${columns} FROM snapshots ${NOT_FORGOTTEN} AND list IS NULL AND (own = 1 OR no IN
                 (SELECT no FROM named JOIN others USING (device) WHERE custody = 1 AND kind = 3))
                 ORDER BY time DESC, no DESC`
    return this.#all(sql)
  }

  ofList(list: number): number[] {
    const rows = this.#db.prepare('SELECT no FROM snapshots WHERE list = ?').all(list) as { no: number }[]
    return rows.map(({ no }) => no)
  }

  /** Newest first, without those that were forgotten. */
  all(): SnapshotRow[] {
    return this.#all(`SELECT ${columns} FROM snapshots ${NOT_FORGOTTEN} ORDER BY time DESC, no DESC`)
  }

  /** Those forgotten whose data no sweep has given up yet. */
  forgotten(): SnapshotRow[] {
    return this.#all(`SELECT ${columns} FROM snapshots WHERE id IN (SELECT id FROM tombstones) ORDER BY no`)
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

  /** The newest one, if any. */
  newest(): SnapshotRow[] {
    return this.#all(`SELECT ${columns} FROM snapshots ${NOT_FORGOTTEN} ORDER BY time DESC, no DESC LIMIT 1`)
  }

  /** Those whose id begins with these hex digits, newest first. */
  named(prefix: string): SnapshotRow[] {
    const sql = `SELECT ${columns} FROM snapshots ${NOT_FORGOTTEN} AND substr(hex(id), 1, ?) = ? ORDER BY time DESC, no DESC`
    return this.#all(sql, prefix.length, prefix.toUpperCase())
  }

  /** Numbers of the shards it needs, ascending. Undefined as for `SnapshotRow.shards`. */
  needs(no: number): Uint32Array | undefined {
    const row = this.#db.prepare('SELECT shards FROM snapshots WHERE no = ?').get(no) as
      { shards: Buffer | null } | undefined
    return row === undefined || row.shards === null ? undefined : unpack(row.shards)
  }

  setShards(no: number, shards: ReadonlySet<number>): void {
    const { root, count } = this.#rootOf(shards)
    const sql = 'UPDATE snapshots SET shards = ?, shards_root = ?, shard_count = ? WHERE no = ?'
    this.#db.prepare(sql).run(pack(shards), root, count, no)
    const { own } = this.#db.prepare('SELECT own FROM snapshots WHERE no = ?').get(no) as { own: number }
    if (own === 1) this.#useStripes(shards)
  }

  /** Chunks have moved: wherever one of `from` was needed, all of `to` are. */
  moveUses(from: ReadonlySet<number>, to: readonly number[]): void {
    for (const row of this.all()) {
      const needed = this.needs(row.no)
      if (needed?.some((no) => from.has(no)) !== true) continue
      this.setShards(row.no, new Set([...needed.filter((no) => !from.has(no)), ...to]))
    }
  }

  #all(sql: string, ...args: unknown[]): SnapshotRow[] {
    return (this.#db.prepare(sql).all(...args) as Raw[]).map((raw) => fromRaw(raw, this))
  }

  /** Stripes of other devices among them are needed here from now on. */
  #useStripes(shards: ReadonlySet<number>): void {
    const sql = `UPDATE stripes SET used = 1 WHERE own = 0 AND used = 0 AND no = (SELECT stripe FROM shards WHERE no = ?)`
    const use = this.#db.prepare(sql)
    for (const no of shards) if (no !== 0) use.run(no)
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

function fromRaw(raw: Raw, rows: SnapshotRows): SnapshotRow {
  return {
    no: raw.no,
    id: raw.id,
    time: raw.time,
    chunk: chunkId(raw.chunk),
    body: raw.body,
    get shards() {
      const needed = rows.needs(raw.no)
      return needed === undefined ? undefined : new Set(needed)
    },
    shardsRoot: raw.shards_root,
    shardCount: raw.shard_count,
    list: raw.list,
    own: raw.own === 1,
  }
}

function pack(shards: ReadonlySet<number>): Buffer {
  const sorted = Uint32Array.from(shards).sort()
  const bytes = Buffer.allocUnsafe(sorted.length * 4)
  sorted.forEach((no, i) => bytes.writeUInt32BE(no, i * 4))
  return bytes
}

function unpack(bytes: Uint8Array): Uint32Array {
  const from = view(bytes)
  const numbers = new Uint32Array(from.length / 4)
  for (let i = 0; i < numbers.length; i++) numbers[i] = from.readUInt32BE(i * 4)
  return numbers
}

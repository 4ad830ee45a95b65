/** Shards in the catalogue: what they hold, which stripe they belong to, whether their body is still here. */
import { shardId, type ShardId } from '../../shard/index.ts'
import type { Db } from './database.ts'

export interface ShardRow {
  readonly no: number
  readonly id: ShardId
  readonly parity: boolean
  /** 1 data, 2 metadata, 3 mixed; 0 for parity and for shards not opened since they were adopted. */
  readonly kind: number
  readonly epoch: number
  /** 0 when not known. */
  readonly usedBytes: number
  readonly stripe: number | null
  /** The first one, where a stripe names it several times. */
  readonly position: number | null
  readonly inOutbox: boolean
  /** Fewer than k of its stripe were left when last looked for: its chunks count as unknown. */
  readonly lost: boolean
}

export interface NewShard {
  readonly id: ShardId
  readonly parity: boolean
  readonly kind: number
  readonly epoch: number
  readonly usedBytes: number
  readonly prefixes: Uint8Array
  readonly inOutbox: boolean
  readonly stripe?: number
  readonly position?: number
}

/** A data shard with what it holds. */
export interface PackedShard {
  readonly no: number
  readonly prefixes: Uint8Array
}

/** How far a shard's chunks may be relied on: `retired` ones wait to be released, `lost` ones may come back. */
export type Trust = 'lost' | 'retired' | 'others' | 'live'

const trusted: Readonly<Record<Trust, string>> = {
  lost: "shards.lost = 1 AND coalesce(stripes.state, '') <> 'released'",
  retired: "shards.lost = 0 AND stripes.state = 'retired'",
  others: "shards.lost = 0 AND stripes.own = 0 AND stripes.state = 'placed'",
  live: "shards.lost = 0 AND coalesce(stripes.own, 1) = 1 AND coalesce(stripes.state, 'queued') IN ('queued', 'placed')",
}

interface Raw {
  no: number
  id: Buffer
  parity: number
  kind: number
  epoch: number
  used_bytes: number
  stripe: number | null
  position: number | null
  in_outbox: number
  lost: number
}

const columns = 'no, id, parity, kind, epoch, used_bytes, stripe, position, in_outbox, lost'

export class ShardRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Adds a shard, or returns the number of the one with that id. */
  add(shard: NewShard): number {
    const known = this.find(shard.id)
    if (known !== undefined) {
      this.#adopt(known.no, shard)
      return known.no
    }
    const sql = `INSERT INTO shards (id, parity, kind, epoch, used_bytes, stripe, position, in_outbox)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
    const { lastInsertRowid } = this.#db
      .prepare(sql)
      .run(
        shard.id,
        shard.parity ? 1 : 0,
        shard.kind,
        shard.epoch,
        shard.usedBytes,
        shard.stripe ?? null,
        shard.position ?? null,
        shard.inOutbox ? 1 : 0,
      )
    const no = Number(lastInsertRowid)
    this.#putPrefixes(no, shard.prefixes)
    return no
  }

  find(id: ShardId): ShardRow | undefined {
    return toRow(this.#db.prepare(`SELECT ${columns} FROM shards WHERE id = ?`).get(id))
  }

  get(no: number): ShardRow | undefined {
    return toRow(this.#db.prepare(`SELECT ${columns} FROM shards WHERE no = ?`).get(no))
  }

  /** The shard at each position of a stripe; with k = 1 they are all the same one. */
  ofStripe(stripe: number): ShardRow[] {
    const row = this.#db.prepare('SELECT ids FROM stripes WHERE no = ?').get(stripe) as { ids: Buffer } | undefined
    const ids = row?.ids ?? Buffer.alloc(0)
    return Array.from({ length: ids.length / 32 }, (_, position) => {
      const shard = this.find(shardId(ids.subarray(position * 32, position * 32 + 32)))
      if (shard === undefined) throw new RangeError(`stripe ${String(stripe)} names an unknown shard`)
      return { ...shard, stripe, position }
    })
  }

  /** Data shards that belong to no stripe yet, in sealing order. */
  unstriped(): ShardRow[] {
    return this.#all(`SELECT ${columns} FROM shards WHERE stripe IS NULL ORDER BY no`)
  }

  inOutbox(): ShardRow[] {
    return this.#all(`SELECT ${columns} FROM shards WHERE in_outbox = 1 ORDER BY no`)
  }

  all(): ShardRow[] {
    return this.#all(`SELECT ${columns} FROM shards ORDER BY no`)
  }

  /** By the number of a shard that of its stripe; 0 where it has none. */
  stripesByShard(): Uint32Array {
    const { end } = this.#db.prepare('SELECT coalesce(max(no), 0) + 1 AS end FROM shards').get() as { end: number }
    const stripes = new Uint32Array(end)
    const rows = this.#db.prepare('SELECT no, stripe FROM shards WHERE stripe IS NOT NULL').raw().all()
    for (const [no, stripe] of rows as [number, number][]) stripes[no] = stripe
    return stripes
  }

  prefixes(no: number): Uint8Array {
    const row = this.#db.prepare('SELECT bytes FROM chunk_prefixes WHERE shard = ?').get(no) as
      { bytes: Buffer } | undefined
    return row?.bytes ?? new Uint8Array(0)
  }

  /** The same; none where the shard is lost, on its way out, or another device's. */
  livePrefixes(no: number): Uint8Array {
    const sql = `SELECT bytes FROM chunk_prefixes JOIN shards ON shards.no = chunk_prefixes.shard
                 LEFT JOIN stripes ON stripes.no = shards.stripe WHERE shards.no = ? AND ${trusted.live}`
    const row = this.#db.prepare(sql).get(no) as { bytes: Buffer } | undefined
    return row?.bytes ?? new Uint8Array(0)
  }

  /** Data shards above a number, in ascending order. */
  packed(trust: Trust, above: number, limit: number): PackedShard[] {
    const sql = `SELECT shards.no, coalesce(bytes, zeroblob(0)) AS prefixes FROM shards
                 LEFT JOIN chunk_prefixes ON chunk_prefixes.shard = shards.no
                 LEFT JOIN stripes ON stripes.no = shards.stripe
                 WHERE shards.no > ? AND parity = 0 AND ${trusted[trust]} ORDER BY shards.no LIMIT ?`
    return this.#db.prepare(sql).all(above, limit) as PackedShard[]
  }

  /** Chunks in all shards, repeated ones counted, and the highest number of a shard. */
  extent(): { chunks: number; maxShard: number } {
    const sql = `SELECT (SELECT coalesce(sum(length(bytes)) / 16, 0) FROM chunk_prefixes) AS chunks,
                        (SELECT coalesce(max(no), 0) FROM shards) AS maxShard`
    return this.#db.prepare(sql).get() as { chunks: number; maxShard: number }
  }

  /** A released shard holds nothing any more. */
  clearPrefixes(no: number): void {
    this.#db.prepare('DELETE FROM chunk_prefixes WHERE shard = ?').run(no)
  }

  setPrefixes(no: number, found: { kind: number; epoch: number; prefixes: Uint8Array }): void {
    this.#db.prepare('UPDATE shards SET kind = ?, epoch = ? WHERE no = ?').run(found.kind, found.epoch, no)
    this.#putPrefixes(no, found.prefixes)
  }

  setStripe(no: number, stripe: number, position: number): void {
    this.#db.prepare('UPDATE shards SET stripe = ?, position = ? WHERE no = ?').run(stripe, position, no)
  }

  /** It waits for another stripe. */
  leaveStripe(no: number): void {
    this.#db.prepare('UPDATE shards SET stripe = NULL, position = NULL WHERE no = ?').run(no)
  }

  /** Its body lies there again, durable. */
  enterOutbox(no: number): void {
    this.#db.prepare('UPDATE shards SET in_outbox = 1 WHERE no = ?').run(no)
  }

  leaveOutbox(nos: readonly number[]): void {
    const statement = this.#db.prepare('UPDATE shards SET in_outbox = 0 WHERE no = ?')
    for (const no of nos) statement.run(no)
  }

  setLost(no: number, lost: boolean): void {
    this.#db.prepare('UPDATE shards SET lost = ? WHERE no = ?').run(lost ? 1 : 0, no)
  }

  count(): number {
    return (this.#db.prepare('SELECT count(*) AS n FROM shards').get() as { n: number }).n
  }

  #adopt(no: number, shard: NewShard): void {
    if (shard.stripe !== undefined && shard.position !== undefined) this.setStripe(no, shard.stripe, shard.position)
    if (shard.inOutbox) this.#db.prepare('UPDATE shards SET in_outbox = 1 WHERE no = ?').run(no)
    if (shard.prefixes.length === 0) return
    this.#db.prepare('UPDATE shards SET parity = 0 WHERE no = ?').run(no)
    this.#putPrefixes(no, shard.prefixes)
  }

  #putPrefixes(no: number, prefixes: Uint8Array): void {
    if (prefixes.length === 0) {
      this.clearPrefixes(no)
      return
    }
    this.#db.prepare('INSERT OR REPLACE INTO chunk_prefixes (shard, bytes) VALUES (?, ?)').run(no, prefixes)
  }

  #all(sql: string, ...args: unknown[]): ShardRow[] {
    return (this.#db.prepare(sql).all(...args) as Raw[]).map(fromRaw)
  }
}

function toRow(raw: unknown): ShardRow | undefined {
  return raw === undefined ? undefined : fromRaw(raw as Raw)
}

function fromRaw(raw: Raw): ShardRow {
  return {
    no: raw.no,
    id: shardId(raw.id),
    parity: raw.parity === 1,
    kind: raw.kind,
    epoch: raw.epoch,
    usedBytes: raw.used_bytes,
    stripe: raw.stripe,
    position: raw.position,
    inOutbox: raw.in_outbox === 1,
    lost: raw.lost === 1,
  }
}

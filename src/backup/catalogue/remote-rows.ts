/**
 * Remotes in the catalogue: which directories there are, and which shards lie on each. Invariant: a shard is listed for
 * a remote only after its file and its name were synced there; what is needed is computed, never stored.
 */
import { shardId, type ShardId } from '../../shard/index.ts'
import type { Db } from './database.ts'

export interface RemoteRow {
  readonly no: number
  /** 16 bytes; the directory's marker file says the same. */
  readonly id: Uint8Array
  /** Absolute. */
  readonly path: string
  /** Milliseconds since 1970. */
  readonly added: number
  readonly seen: number
  readonly completed: number | null
  /** Revision of the catalogue that the head lying there shows, when it last held everything. */
  readonly revision: number | null
  readonly headSeq: number
}

export interface RemoteShard {
  readonly no: number
  readonly id: ShardId
}

/** Data shards of live stripes and those that have no stripe yet: enough to restore everything. */
const NEEDED = `s.parity = 0 AND s.lost = 0 AND
  ((s.stripe IS NULL AND s.in_outbox = 1) OR t.state IN ('queued', 'placed'))`
const FROM = 'FROM shards s LEFT JOIN stripes t ON t.no = s.stripe'
const HERE = 'EXISTS (SELECT 1 FROM remote_shards r WHERE r.remote = ? AND r.shard = s.no)'

export class RemoteRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  all(): RemoteRow[] {
    const sql = 'SELECT no, id, path, added, seen, completed, revision, head_seq AS headSeq FROM remotes ORDER BY no'
    return this.#db.prepare(sql).all() as RemoteRow[]
  }

  add(remote: { id: Uint8Array; path: string; time: number }): number {
    const sql = 'INSERT INTO remotes (id, path, added, seen) VALUES (?, ?, ?, ?)'
    return Number(this.#db.prepare(sql).run(remote.id, remote.path, remote.time, remote.time).lastInsertRowid)
  }

  remove(no: number): void {
    this.#db.prepare('DELETE FROM remotes WHERE no = ?').run(no)
  }

  setSeen(no: number, time: number): void {
    this.#db.prepare('UPDATE remotes SET seen = ? WHERE no = ?').run(time, no)
  }

  setComplete(no: number, done: { time: number; revision: number; headSeq: number }): void {
    const sql = 'UPDATE remotes SET completed = ?, revision = ?, head_seq = ? WHERE no = ?'
    this.#db.prepare(sql).run(done.time, done.revision, done.headSeq, no)
  }

  /** Something is missing there after all: it is looked through again. */
  setIncomplete(no: number): void {
    this.#db.prepare('UPDATE remotes SET revision = NULL WHERE no = ?').run(no)
  }

  /** The next shards to copy there, in the order of their ids after `after`, so that directories are filled one by one. */
  missing(no: number, after: Uint8Array, limit: number): RemoteShard[] {
    const sql = `SELECT s.no, s.id ${FROM} WHERE s.id > ? AND ${NEEDED} AND NOT ${HERE} ORDER BY s.id LIMIT ?`
    return shardsOf(this.#db.prepare(sql).all(after, no, limit))
  }

  counts(no: number): { held: number; missing: number } {
    const held = this.#db.prepare('SELECT count(*) AS n FROM remote_shards WHERE remote = ?').get(no)
    const missing = this.#db.prepare(`SELECT count(*) AS n ${FROM} WHERE ${NEEDED} AND NOT ${HERE}`).get(no)
    return { held: (held as { n: number }).n, missing: (missing as { n: number }).n }
  }

  /** Needed shards that lie there and neither on another remote nor with any host nor in the outbox. */
  onlyHere(no: number, remoteGroup: Uint8Array): number {
    const sql = `SELECT count(*) AS n ${FROM} WHERE ${NEEDED} AND ${HERE} AND s.in_outbox = 0 AND t.group_id = ?
      AND NOT EXISTS (SELECT 1 FROM remote_shards o WHERE o.remote <> ? AND o.shard = s.no)`
    return (this.#db.prepare(sql).get(no, remoteGroup, no) as { n: number }).n
  }

  /** The same, to be forgotten together with the remote. */
  loseOnlyHere(no: number, remoteGroup: Uint8Array): void {
    const sql = `UPDATE shards SET lost = 1 WHERE no IN (SELECT s.no ${FROM} WHERE ${NEEDED} AND ${HERE}
      AND s.in_outbox = 0 AND t.group_id = ?
      AND NOT EXISTS (SELECT 1 FROM remote_shards o WHERE o.remote <> ? AND o.shard = s.no))`
    this.#db.prepare(sql).run(no, remoteGroup, no)
  }

  addShards(no: number, shards: readonly number[]): void {
    const statement = this.#db.prepare('INSERT OR IGNORE INTO remote_shards (remote, shard) VALUES (?, ?)')
    for (const shard of shards) statement.run(no, shard)
  }

  dropShards(no: number, shards: readonly number[]): void {
    const statement = this.#db.prepare('DELETE FROM remote_shards WHERE remote = ? AND shard = ?')
    for (const shard of shards) statement.run(no, shard)
  }

  /** Shards listed for the remote, in the order of their ids after `after`. */
  held(no: number, after: Uint8Array, limit: number): RemoteShard[] {
    const sql = `SELECT s.no, s.id FROM remote_shards r JOIN shards s ON s.no = r.shard
      WHERE r.remote = ? AND s.id > ? ORDER BY s.id LIMIT ?`
    return shardsOf(this.#db.prepare(sql).all(no, after, limit))
  }

  /** Those whose ids begin with this byte. */
  heldWith(no: number, first: number): RemoteShard[] {
    const sql = `SELECT s.no, s.id FROM remote_shards r JOIN shards s ON s.no = r.shard
      WHERE r.remote = ? AND s.id >= ? AND s.id < ?`
    const end = first === 255 ? Buffer.alloc(33, 255) : Buffer.of(first + 1)
    return shardsOf(this.#db.prepare(sql).all(no, Buffer.of(first), end))
  }

  /** A few at random, for a sample. */
  sample(no: number, count: number): RemoteShard[] {
    const sql = `SELECT s.no, s.id FROM remote_shards r JOIN shards s ON s.no = r.shard
      WHERE r.remote = ? ORDER BY random() LIMIT ?`
    return shardsOf(this.#db.prepare(sql).all(no, count))
  }

  /** Notes since when shards there are needed no more, and takes the note back from those that are needed again. */
  noteUnneeded(no: number, now: number): void {
    const needed = `SELECT s.no ${FROM} WHERE ${NEEDED}`
    this.#db
      .prepare(
        `UPDATE remote_shards SET unneeded = NULL WHERE remote = ? AND unneeded IS NOT NULL AND shard IN (${needed})`,
      )
      .run(no)
    this.#db
      .prepare(
        `UPDATE remote_shards SET unneeded = ? WHERE remote = ? AND unneeded IS NULL AND shard NOT IN (${needed})`,
      )
      .run(now, no)
  }

  /** Needed no more since before `before`. */
  unneeded(no: number, before: number, limit: number): RemoteShard[] {
    const sql = `SELECT s.no, s.id FROM remote_shards r JOIN shards s ON s.no = r.shard
      WHERE r.remote = ? AND r.unneeded < ? ORDER BY s.id LIMIT ?`
    return shardsOf(this.#db.prepare(sql).all(no, before, limit))
  }
}

function shardsOf(rows: unknown[]): RemoteShard[] {
  return (rows as { no: number; id: Buffer }[]).map(({ no, id }) => ({ no, id: shardId(id) }))
}

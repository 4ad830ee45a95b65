/** Stripes and receipts in the catalogue. Who holds a shard is known from receipts, or from the group's slots. */
import { concat } from '../../base/bytes.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import {
  groupId,
  shardId,
  stripeId,
  type GroupId,
  type Receipt,
  type ShardId,
  type StripeId,
  type StripeRecord,
} from '../../shard/index.ts'
import type { Db } from './database.ts'

export type StripeState = 'queued' | 'placed' | 'retired' | 'released'

export interface StripeRow {
  readonly no: number
  readonly id: StripeId
  readonly k: number
  readonly n: number
  readonly group: GroupId
  readonly state: StripeState
  /** The index root that describes it to other devices; null: the head itself does. */
  readonly root: number | null
  /** Made here: only these are ever rewritten or released. */
  readonly own: boolean
  /** Another device's that snapshots of this one need. */
  readonly used: boolean
}

interface Raw {
  no: number
  id: Buffer
  k: number
  n: number
  group_id: Buffer
  state: StripeState
  root: number | null
  own: number
  used: number
}

const columns = 'no, id, k, n, group_id, state, root, own, used'

export class StripeRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  add(stripe: StripeRecord, state: StripeState): number {
    const known = this.find(stripe.id)
    if (known !== undefined) {
      // One that was given up is formed again from the same shards, maybe for other hosts.
      if (state === 'queued' && known.state === 'released') this.#formAgain(known.no, stripe.group)
      return known.no
    }
    const sql = 'INSERT INTO stripes (id, k, n, ids, group_id, state) VALUES (?, ?, ?, ?, ?, ?)'
    return Number(
      this.#db.prepare(sql).run(stripe.id, stripe.k, stripe.n, concat(...stripe.ids), stripe.group, state)
        .lastInsertRowid,
    )
  }

  /**
   * One that another head names. It is never rewritten or released here, unless it was made here: and then not either once
   * it was released, for another device has made it its own since.
   */
  adopt(stripe: StripeRecord, { used }: { used: boolean }): number {
    const known = this.find(stripe.id)
    if (known === undefined) {
      const no = this.add(stripe, 'placed')
      this.#db.prepare('UPDATE stripes SET own = 0, used = ? WHERE no = ?').run(used ? 1 : 0, no)
      return no
    }
    if (known.own && known.state === 'released' && !used) this.#giveAway(known.no, stripe.group)
    if (!known.own) {
      if (known.state === 'released') this.setState(known.no, 'placed')
      if (used) this.#db.prepare('UPDATE stripes SET used = 1 WHERE no = ?').run(known.no)
    }
    return known.no
  }

  /** Number of the newest stripe made here, whatever became of it; 0 before the first. */
  newestOwn(): number {
    return (this.#db.prepare('SELECT max(no) AS no FROM stripes WHERE own = 1').get() as { no: number | null }).no ?? 0
  }

  find(id: StripeId): StripeRow | undefined {
    const raw = this.#db.prepare(`SELECT ${columns} FROM stripes WHERE id = ?`).get(id)
    return raw === undefined ? undefined : fromRaw(raw as Raw)
  }

  get(no: number): StripeRow | undefined {
    const raw = this.#db.prepare(`SELECT ${columns} FROM stripes WHERE no = ?`).get(no)
    return raw === undefined ? undefined : fromRaw(raw as Raw)
  }

  /** The stripe as the network knows it. */
  record(no: number): StripeRecord {
    const row = this.get(no)
    if (row === undefined) throw new RangeError(`no stripe ${String(no)}`)
    return { id: row.id, k: row.k, n: row.n, ids: this.ids(no), group: row.group }
  }

  /** Ids by position. */
  ids(no: number): ShardId[] {
    const row = this.#db.prepare('SELECT ids FROM stripes WHERE no = ?').get(no) as { ids: Buffer } | undefined
    const ids = row?.ids ?? Buffer.alloc(0)
    return Array.from({ length: ids.length / 32 }, (_, i) => shardId(ids.subarray(i * 32, i * 32 + 32)))
  }

  inState(state: StripeState): StripeRow[] {
    return this.#all(`SELECT ${columns} FROM stripes WHERE state = ? ORDER BY no`, state)
  }

  /** Queued and placed: what backups need. */
  live(): StripeRow[] {
    return this.#all(`SELECT ${columns} FROM stripes WHERE state IN ('queued', 'placed') ORDER BY no`)
  }

  /**
   * Live ones that this device's head has to name and no index root of its own describes: made here, needed by its
   * snapshots, or named by a device in custody. Others' come first: the last one is of this device if any is.
   */
  outsideRoots(): StripeRow[] {
    const sql = `SELECT ${columns} FROM stripes WHERE root IS NULL AND state IN ('queued', 'placed')
                 AND (own = 1 OR used = 1 OR no IN
                 (SELECT no FROM named JOIN others USING (device) WHERE custody = 1 AND kind = 1)) ORDER BY own, no`
    return this.#all(sql)
  }

  setState(no: number, state: StripeState): void {
    this.#db.prepare('UPDATE stripes SET state = ? WHERE no = ?').run(state, no)
  }

  /** Live ones of a group, in order. */
  inGroup(group: GroupId): StripeRow[] {
    const sql = `SELECT ${columns} FROM stripes WHERE group_id = ? AND state IN ('queued', 'placed') ORDER BY no`
    return this.#all(sql, group)
  }

  countInGroup(group: GroupId): number {
    const sql = `SELECT count(*) AS n FROM stripes WHERE group_id = ? AND state IN ('queued', 'placed')`
    return (this.#db.prepare(sql).get(group) as { n: number }).n
  }

  setRoot(no: number, root: number | null): void {
    this.#db.prepare('UPDATE stripes SET root = ? WHERE no = ?').run(root, no)
  }

  ofRoot(root: number): StripeRow[] {
    return this.#all(`SELECT ${columns} FROM stripes WHERE root = ? ORDER BY no`, root)
  }

  addReceipt(stripe: number, position: number, receipt: Receipt): void {
    const sql =
      'INSERT OR REPLACE INTO receipts (stripe, position, host, number, time, signed) VALUES (?, ?, ?, ?, ?, ?)'
    const { host, number, time, signed } = receipt
    this.#db.prepare(sql).run(stripe, position, host, number, time, signed)
  }

  /** Position in the stripe → host that signed for it. */
  receipts(stripe: number): Map<number, PeerKey> {
    const rows = this.#db.prepare('SELECT position, host FROM receipts WHERE stripe = ?').all(stripe)
    return new Map((rows as { position: number; host: string }[]).map((row) => [row.position, row.host as PeerKey]))
  }

  /** Hosts that signed, by stripe, in the order of positions. */
  allReceipts(): Map<number, PeerKey[]> {
    const rows = this.#db.prepare('SELECT stripe, host FROM receipts ORDER BY stripe, position').all()
    const hosts = new Map<number, PeerKey[]>()
    for (const row of rows as { stripe: number; host: string }[]) {
      const known = hosts.get(row.stripe)
      if (known === undefined) hosts.set(row.stripe, [row.host as PeerKey])
      else known.push(row.host as PeerKey)
    }
    return hosts
  }

  /** Copies of shards that hosts were told to release, so far. */
  releasedShards(): number {
    const sql = "SELECT coalesce(sum(n), 0) AS n FROM stripes WHERE state = 'released'"
    return (this.#db.prepare(sql).get() as { n: number }).n
  }

  /** Copies of shards in live stripes. */
  liveShards(): number {
    const sql = "SELECT coalesce(sum(n), 0) AS n FROM stripes WHERE state IN ('queued', 'placed')"
    return (this.#db.prepare(sql).get() as { n: number }).n
  }

  counts(): { live: number; queued: number } {
    const sql = `SELECT sum(state IN ('queued', 'placed')) AS live, sum(state = 'queued') AS queued FROM stripes`
    const row = this.#db.prepare(sql).get() as { live: number | null; queued: number | null }
    return { live: row.live ?? 0, queued: row.queued ?? 0 }
  }

  #formAgain(no: number, group: GroupId): void {
    const sql = "UPDATE stripes SET state = 'queued', group_id = ?, root = NULL, own = 1, used = 0 WHERE no = ?"
    this.#db.prepare(sql).run(group, no)
    this.#db.prepare('DELETE FROM receipts WHERE stripe = ?').run(no)
  }

  /** Until it is seen with hosts nothing new relies on it: the other device may not know yet that it was released. */
  #giveAway(no: number, group: GroupId): void {
    const sql = "UPDATE stripes SET state = 'placed', group_id = ?, root = NULL, own = 0, used = 0 WHERE no = ?"
    this.#db.prepare(sql).run(group, no)
    this.#db.prepare('DELETE FROM receipts WHERE stripe = ?').run(no)
    this.#db.prepare('UPDATE shards SET lost = 1 WHERE stripe = ? AND parity = 0').run(no)
  }

  #all(sql: string, ...args: unknown[]): StripeRow[] {
    return (this.#db.prepare(sql).all(...args) as Raw[]).map(fromRaw)
  }
}

function fromRaw(raw: Raw): StripeRow {
  return {
    no: raw.no,
    id: stripeId(raw.id),
    k: raw.k,
    n: raw.n,
    group: groupId(raw.group_id),
    state: raw.state,
    root: raw.root,
    own: raw.own === 1,
    used: raw.used === 1,
  }
}

/**
 * What the vault's other devices name in their newest heads. Spec: docs/spec/04-snapshot-and-head.md § Several devices.
 * Invariants: one head per device, replaced as a whole; what no head names any more is gone from lists, unless snapshots
 * of this device need it; a device in custody is one whose things this device's own head names as well.
 */
import { view } from '../../base/bytes.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { Db } from './database.ts'
import type { SealedFrame } from './head-rows.ts'

export interface OtherDevice {
  readonly device: PeerKey
  readonly seq: number
  /** ms since 1970. */
  readonly time: number
  /** Of its sealed head, 32 bytes; of both where it forked. */
  readonly hashes: Uint8Array
  readonly custody: boolean
}

/** Numbers of catalogue rows. */
export interface NamedThings {
  readonly stripes: ReadonlySet<number>
  /** Stripes that the device may replace: nothing new may rely on them. */
  readonly tails: ReadonlySet<number>
  readonly snapshots: ReadonlySet<number>
  readonly lists: ReadonlySet<number>
  readonly roots: ReadonlySet<number>
}

const kinds = { stripes: 1, tails: 2, snapshots: 3, lists: 4, roots: 5 } as const
type Kind = keyof typeof kinds

interface RawOther {
  device: string
  seq: number
  time: number
  hashes: Buffer
  custody: number
}

const UNNAMED = (kind: Kind, no: string): string =>
  `NOT EXISTS (SELECT 1 FROM named WHERE kind = ${String(kinds[kind])} AND named.no = ${no})`

export class OtherRows {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  all(): OtherDevice[] {
    const rows = this.#db.prepare('SELECT * FROM others ORDER BY device').all() as RawOther[]
    return rows.map((row) => ({ ...row, device: row.device as PeerKey, custody: row.custody === 1 }))
  }

  find(device: PeerKey): OtherDevice | undefined {
    return this.all().find((other) => other.device === device)
  }

  setCustody(device: PeerKey, custody: boolean): void {
    this.#db.prepare('UPDATE others SET custody = ? WHERE device = ?').run(custody ? 1 : 0, device)
  }

  /** The device's newest head takes the place of the one before. To be called inside a commit. */
  replace(other: OtherDevice, named: NamedThings): void {
    const { device, seq, time, hashes, custody } = other
    this.#db.prepare('DELETE FROM others WHERE device = ?').run(device)
    const sql = 'INSERT INTO others (device, seq, time, hashes, custody) VALUES (?, ?, ?, ?, ?)'
    this.#db.prepare(sql).run(device, seq, time, hashes, custody ? 1 : 0)
    const add = this.#db.prepare('INSERT INTO named (device, kind, no) VALUES (?, ?, ?)')
    for (const kind of Object.keys(kinds) as Kind[]) for (const no of named[kind]) add.run(device, kinds[kind], no)
  }

  named(device: PeerKey, kind: Kind): Set<number> {
    const rows = this.#db.prepare('SELECT no FROM named WHERE device = ? AND kind = ?').all(device, kinds[kind])
    return new Set((rows as { no: number }[]).map(({ no }) => no))
  }

  /** Whether some device may replace this stripe. */
  isTail(stripe: number): boolean {
    return this.#db.prepare('SELECT 1 FROM named WHERE kind = 2 AND no = ?').get(stripe) !== undefined
  }

  tails(): number[] {
    const rows = this.#db.prepare('SELECT DISTINCT no FROM named WHERE kind = 2').all() as { no: number }[]
    return rows.map(({ no }) => no)
  }

  /** Named by a device in custody. */
  inCustody(kind: Kind): Set<number> {
    const sql = `SELECT DISTINCT no FROM named JOIN others USING (device) WHERE custody = 1 AND kind = ?`
    return new Set((this.#db.prepare(sql).all(kinds[kind]) as { no: number }[]).map(({ no }) => no))
  }

  /**
   * Forgets what nobody names and this device does not need. Returns the stripes given up: what their shards hold counts
   * as unknown from then on. To be called inside the commit that replaced a head.
   */
  dropUnnamed(): number[] {
    this.#db.prepare(`DELETE FROM snapshots WHERE own = 0 AND ${UNNAMED('snapshots', 'snapshots.no')}`).run()
    const lists = `own = 0 AND ${UNNAMED('lists', 'older_lists.no')}`
    this.#db.prepare(`UPDATE snapshots SET list = NULL WHERE list IN (SELECT no FROM older_lists WHERE ${lists})`).run()
    this.#db.prepare(`DELETE FROM older_lists WHERE ${lists}`).run()
    this.#db.prepare(`DELETE FROM other_roots WHERE ${UNNAMED('roots', 'other_roots.no')}`).run()
    const sql = `UPDATE stripes SET state = 'released' WHERE own = 0 AND used = 0 AND state = 'placed'
                 AND ${UNNAMED('stripes', 'stripes.no')} RETURNING no`
    return (this.#db.prepare(sql).all() as { no: number }[]).map(({ no }) => no)
  }

  /** Named by a device that goes on: not in custody. */
  ofTheLiving(kind: Kind): Set<number> {
    const sql = `SELECT DISTINCT no FROM named JOIN others USING (device) WHERE custody = 0 AND kind = ?`
    return new Set((this.#db.prepare(sql).all(kinds[kind]) as { no: number }[]).map(({ no }) => no))
  }

  findRoot(bytes: Uint8Array): { no: number; stripes: Set<number> } | undefined {
    const row = this.#db.prepare('SELECT no, stripes FROM other_roots WHERE bytes = ?').get(bytes)
    return row === undefined ? undefined : fromRoot(row as { no: number; stripes: Buffer })
  }

  addRoot(bytes: Uint8Array, stripes: ReadonlySet<number>): number {
    const packed = Buffer.alloc(stripes.size * 4)
    let at = 0
    for (const no of stripes) at = packed.writeUInt32BE(no, at)
    const sql = 'INSERT INTO other_roots (bytes, stripes) VALUES (?, ?)'
    return Number(this.#db.prepare(sql).run(bytes, packed).lastInsertRowid)
  }

  /** Index roots of devices in custody, with the stripes they describe. */
  rootsInCustody(): { bytes: Uint8Array; stripes: Set<number> }[] {
    const find = this.#db.prepare('SELECT no, bytes, stripes FROM other_roots WHERE no = ?')
    return [...this.inCustody('roots')].flatMap((no) => {
      const row = find.get(no) as { no: number; bytes: Buffer; stripes: Buffer } | undefined
      return row === undefined ? [] : [{ bytes: row.bytes, stripes: fromRoot(row).stripes }]
    })
  }

  frames(): SealedFrame[] {
    const rows = this.#db.prepare('SELECT no, epoch, stored_bytes AS storedBytes, box FROM other_frames ORDER BY no')
    return rows.all() as SealedFrame[]
  }

  addFrame(device: PeerKey, frame: Omit<SealedFrame, 'no'>): void {
    const sql = 'INSERT INTO other_frames (device, epoch, stored_bytes, box) VALUES (?, ?, ?, ?)'
    this.#db.prepare(sql).run(device, frame.epoch, frame.storedBytes, frame.box)
  }

  /** This device's own head carries what rides in that one's. */
  copyFrames(device: PeerKey): void {
    const sql = `INSERT INTO inline_frames (epoch, stored_bytes, box)
                 SELECT epoch, stored_bytes, box FROM other_frames WHERE device = ?`
    this.#db.prepare(sql).run(device)
  }

  clearFrames(): void {
    this.#db.prepare('DELETE FROM other_frames').run()
  }
}

function fromRoot({ no, stripes }: { no: number; stripes: Uint8Array }): { no: number; stripes: Set<number> } {
  const from = view(stripes)
  const nos = new Set<number>()
  for (let at = 0; at < from.length; at += 4) nos.add(from.readUInt32BE(at))
  return { no, stripes: nos }
}

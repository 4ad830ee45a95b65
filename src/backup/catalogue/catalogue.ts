/**
 * The catalogue of this device (`catalog.db`). Invariant: it commits last. What it names is durable elsewhere already,
 * in the outbox or on hosts, and findable through the index.
 */
import { view } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import { openDatabase, type Db } from './database.ts'
import { DirectoryRows } from './directory-rows.ts'
import { HeadRows } from './head-rows.ts'
import { PageMapRows } from './page-map-rows.ts'
import { RetentionRows } from './retention-rows.ts'
import { RemoteRows } from './remote-rows.ts'
import { OtherRows } from './other-rows.ts'
import { ShardRows } from './shard-rows.ts'
import { SnapshotRows } from './snapshot-rows.ts'
import { StripeRows } from './stripe-rows.ts'

/** Values kept by `unchanged`. */
const MAX_MADE = 8

export class Catalogue {
  readonly shards: ShardRows
  readonly stripes: StripeRows
  readonly snapshots: SnapshotRows
  readonly heads: HeadRows
  readonly pageMaps: PageMapRows
  readonly directories: DirectoryRows
  readonly retention: RetentionRows
  readonly remotes: RemoteRows
  readonly others: OtherRows
  readonly #db: Db
  readonly #made = new Map<string, unknown>()
  #madeAt = -1

  private constructor(db: Db) {
    this.#db = db
    this.shards = new ShardRows(db)
    this.stripes = new StripeRows(db)
    this.snapshots = new SnapshotRows(db)
    this.heads = new HeadRows(db)
    this.pageMaps = new PageMapRows(db)
    this.directories = new DirectoryRows(db)
    this.retention = new RetentionRows(db)
    this.remotes = new RemoteRows(db)
    this.others = new OtherRows(db)
  }

  static async open(path: string, disk: Disk): Promise<Catalogue> {
    return new Catalogue(await openDatabase(path, disk))
  }

  close(): void {
    this.#db.close()
  }

  /** All or nothing, durable when it returns. */
  commit<T>(work: () => T): T {
    return this.#db.commit(work)
  }

  /** What `make` gives, made once until anything in the catalogue changes. `key` says what else it depends on. */
  unchanged<T>(key: string, make: () => T): T {
    if (this.#db.inCommit) return make()
    const now = this.#db.changes
    if (now !== this.#madeAt || this.#made.size >= MAX_MADE) this.#made.clear()
    this.#madeAt = now
    if (!this.#made.has(key)) this.#made.set(key, make())
    return this.#made.get(key) as T
  }

  /** Bytes given back to the file system. */
  compact(): number {
    return this.#db.compact()
  }

  /** Counts changes that a head must show. */
  get revision(): number {
    return readNumber(this.heads.meta('revision'))
  }

  /** To be called inside the commit that changed something. */
  touch(): void {
    this.heads.setMeta('revision', writeNumber(this.revision + 1))
  }

  /** Number of the last commit that also wrote the index; equal to the index's own when no crash came between. */
  get indexed(): number {
    return readNumber(this.heads.meta('indexed'))
  }

  setIndexed(value: number): void {
    this.heads.setMeta('indexed', writeNumber(value))
  }
}

export function readNumber(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : Number(view(bytes).readBigUInt64BE(0))
}

export function writeNumber(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

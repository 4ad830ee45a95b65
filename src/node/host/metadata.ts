/**
 * What the host knows about the files it keeps, in level: one row per shard, one per vault, renewals, release requests,
 * heads, manifests. Invariant: a batch is one atomic, synced write; rows are made from files that are durable already.
 * Everything but release requests and manifests can be rebuilt from the files (rebuild.ts).
 * Spec: docs/spec/05-storage-protocol.md § Host store
 */
import { Level } from 'level'
import { concat, toHex, view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { type VaultId, vaultId } from '../../crypto/ids.ts'
import { type ShardId, shardId } from '../../shard/index.ts'
import {
  decodeHead,
  decodeRelease,
  decodeRenewal,
  decodeShard,
  decodeVault,
  encodeHead,
  encodeRelease,
  encodeRenewal,
  encodeShard,
  encodeVault,
  type HeadRow,
  type ReleaseRow,
  type ShardRow,
  type VaultRow,
} from './rows.ts'
import type { Renewal } from './lease.ts'

type Database = Level<Uint8Array, Uint8Array>
type Table = ReturnType<typeof table>

const BINARY = { keyEncoding: 'view', valueEncoding: 'view' } as const
/** Present while a process has the metadata open: found at start, it says that the last one did not close. */
const OPEN_MARK = Uint8Array.of(1)
const MAX_TIME = 2 ** 48 - 1

/** How the last run left the metadata. */
export type MetadataState = 'clean' | 'unclean' | 'new'

export class HostMetadata {
  readonly #path: string
  #db: Database | undefined
  #tables: Readonly<Record<TableName, Table>> | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Throws `STORAGE_DATABASE`; `details.reason` is level's own code, so that the caller can tell locked from damaged. */
  async open(): Promise<MetadataState> {
    const db: Database = new Level(this.#path, BINARY)
    try {
      await db.open()
      const tables = Object.fromEntries(tableNames.map((name) => [name, table(db, name)])) as Record<TableName, Table>
      const format = await tables.meta.get(FORMAT)
      const mark = await tables.meta.get(OPEN_MARK)
      const marks = [FORMAT, OPEN_MARK].map((key) => ({ key, value: FORMAT_VERSION, sublevel: tables.meta }))
      await db.batch(
        marks.map((put) => ({ type: 'put', ...put })),
        { sync: true },
      )
      this.#db = db
      this.#tables = tables
      return format === undefined ? 'new' : mark === undefined ? 'clean' : 'unclean'
    } catch (error) {
      await db.close().catch(() => undefined)
      throw databaseError(error)
    }
  }

  /** Closes it, marked as complete or not: what is not is compared with the files at the next start. */
  async close(complete: boolean): Promise<void> {
    const db = this.#db
    if (db === undefined) return
    try {
      if (complete) await db.batch([{ type: 'del', key: OPEN_MARK, sublevel: this.#table('meta') }], { sync: true })
    } finally {
      this.#db = undefined
      this.#tables = undefined
      await db.close()
    }
  }

  /** Writes all of `batch` atomically and durably. */
  async commit(batch: MetadataBatch): Promise<void> {
    const db = this.#db
    if (db === undefined) throw closed()
    const operations = batch.operations.map(({ table: name, key, value }) => {
      const sublevel = this.#table(name)
      return value === undefined
        ? { type: 'del' as const, key, sublevel }
        : { type: 'put' as const, key, value, sublevel }
    })
    if (operations.length === 0) return
    try {
      await db.batch(operations, { sync: true })
    } catch (error) {
      throw databaseError(error)
    }
  }

  async vaults(): Promise<[VaultId, VaultRow][]> {
    const rows: [VaultId, VaultRow][] = []
    for await (const [key, value] of this.#table('vaults').iterator()) rows.push([vaultId(key), decodeVault(value)])
    return rows
  }

  async shard(vault: VaultId, id: ShardId): Promise<ShardRow | undefined> {
    return optional(await this.#get('shards', shardKey(vault, id)), decodeShard)
  }

  /** The vault's shards whose ids start with `prefix`, in the order of their ids; whole pages, so that no row costs a turn. */
  async *shards(vault: VaultId, prefix: Uint8Array = NOTHING): AsyncGenerator<readonly [ShardId, ShardRow][]> {
    const iterator = this.#table('shards').iterator(under(concat(vault, prefix)))
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE)
        if (page.length === 0) return
        yield page.map(([key, value]) => [shardId(key.subarray(32)), decodeShard(value)])
      }
    } finally {
      await iterator.close()
    }
  }

  async manifest(vault: VaultId, id: ShardId): Promise<Uint8Array | undefined> {
    return this.#get('manifests', shardKey(vault, id))
  }

  async release(vault: VaultId, id: ShardId): Promise<ReleaseRow | undefined> {
    return optional(await this.#get('releases', shardKey(vault, id)), decodeRelease)
  }

  /** Ids of the vault's shards that wait for their release, as latin1 text. */
  async releasedIds(vault: VaultId): Promise<ReadonlySet<string>> {
    const ids = new Set<string>()
    for await (const key of this.#table('releases').keys(under(vault))) {
      ids.add(view(key.subarray(32)).toString('latin1'))
    }
    return ids
  }

  /** Release requests due at `now`, oldest first, at most `limit`. */
  async dueReleases(now: number, limit: number): Promise<{ vault: VaultId; id: ShardId; effectiveAt: number }[]> {
    const due = []
    for await (const key of this.#table('due').keys({ lte: concat(time(Math.min(now, MAX_TIME)), LAST), limit })) {
      due.push({
        effectiveAt: view(key).readUIntBE(0, 6),
        vault: vaultId(key.subarray(6, 38)),
        id: shardId(key.subarray(38)),
      })
    }
    return due
  }

  async renewals(vault: VaultId): Promise<Renewal[]> {
    const renewals: Renewal[] = []
    for await (const [key, value] of this.#table('leases').iterator(under(vault))) {
      renewals.push({ prefix: key.subarray(32), ...decodeRenewal(value) })
    }
    return renewals
  }

  async head(vault: VaultId, device: Uint8Array): Promise<HeadRow | undefined> {
    return optional(await this.#get('heads', concat(vault, device)), decodeHead)
  }

  /** Devices are public keys of 32 bytes. */
  async heads(vault: VaultId): Promise<{ device: Uint8Array; row: HeadRow }[]> {
    const heads = []
    for await (const [key, value] of this.#table('heads').iterator(under(vault))) {
      heads.push({ device: key.subarray(32), row: decodeHead(value) })
    }
    return heads
  }

  async #get(name: TableName, key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#table(name).get(key)
    } catch (error) {
      throw databaseError(error)
    }
  }

  #table(name: TableName): Table {
    if (this.#tables === undefined) throw closed()
    return this.#tables[name]
  }
}

export interface ShardAt {
  readonly vault: VaultId
  readonly id: ShardId
}

/** The shard's row as it will be once `batch` is written. */
export async function currentShard(
  metadata: HostMetadata,
  batch: MetadataBatch,
  at: ShardAt,
): Promise<ShardRow | undefined> {
  const pending = batch.pendingShard(at)
  return pending === undefined ? metadata.shard(at.vault, at.id) : (pending ?? undefined)
}

/** Likewise the release that waits for its effect. */
export async function currentRelease(
  metadata: HostMetadata,
  batch: MetadataBatch,
  at: ShardAt,
): Promise<ReleaseRow | undefined> {
  const pending = batch.pendingRelease(at)
  return pending === undefined ? metadata.release(at.vault, at.id) : (pending ?? undefined)
}

/** Likewise a device's head. */
export async function currentHead(
  metadata: HostMetadata,
  batch: MetadataBatch,
  at: { vault: VaultId; device: Uint8Array },
): Promise<HeadRow | undefined> {
  const pending = batch.pendingHead(at)
  return pending === undefined ? metadata.head(at.vault, at.device) : (pending ?? undefined)
}

interface Operation {
  readonly table: TableName
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Rows to be written together. What was put into it can be read back before it is committed. */
export class MetadataBatch {
  readonly #pending = new Map<string, Operation>()

  get operations(): readonly Operation[] {
    return [...this.#pending.values()]
  }

  vault(vault: VaultId, row: VaultRow): void {
    this.#set('vaults', vault, encodeVault(row))
  }

  shard(at: ShardAt, row: ShardRow | undefined): void {
    this.#set('shards', shardKey(at.vault, at.id), row === undefined ? undefined : encodeShard(row))
  }

  manifest(at: ShardAt, manifest: Uint8Array | undefined): void {
    this.#set('manifests', shardKey(at.vault, at.id), manifest)
  }

  /** Replaces `old`, whose place in the order of effect must be given up with it. */
  release(at: ShardAt, old: ReleaseRow | undefined, row: ReleaseRow | undefined): void {
    if (old !== undefined) this.#set('due', dueKey(at, old), undefined)
    if (row !== undefined) this.#set('due', dueKey(at, row), NOTHING)
    this.#set('releases', shardKey(at.vault, at.id), row === undefined ? undefined : encodeRelease(row))
  }

  renewal(vault: VaultId, renewal: Renewal): void {
    this.#set('leases', concat(vault, renewal.prefix), encodeRenewal(renewal))
  }

  head(at: { vault: VaultId; device: Uint8Array }, row: HeadRow | undefined): void {
    this.#set('heads', concat(at.vault, at.device), row === undefined ? undefined : encodeHead(row))
  }

  /** undefined: not touched by this batch. null: removed by it. */
  pendingShard({ vault, id }: ShardAt): ShardRow | null | undefined {
    return this.#read('shards', shardKey(vault, id), decodeShard)
  }

  pendingRelease({ vault, id }: ShardAt): ReleaseRow | null | undefined {
    return this.#read('releases', shardKey(vault, id), decodeRelease)
  }

  pendingHead(at: { vault: VaultId; device: Uint8Array }): HeadRow | null | undefined {
    return this.#read('heads', concat(at.vault, at.device), decodeHead)
  }

  #read<T>(name: TableName, key: Uint8Array, decode: (bytes: Uint8Array) => T): T | null | undefined {
    const operation = this.#pending.get(name + toHex(key))
    return operation === undefined ? undefined : operation.value === undefined ? null : decode(operation.value)
  }

  #set(name: TableName, key: Uint8Array, value: Uint8Array | undefined): void {
    this.#pending.set(name + toHex(key), { table: name, key, value })
  }
}

const tableNames = ['meta', 'vaults', 'shards', 'manifests', 'releases', 'due', 'leases', 'heads'] as const
type TableName = (typeof tableNames)[number]

const FORMAT = Uint8Array.of(0)
const FORMAT_VERSION = Uint8Array.of(1)
const NOTHING = new Uint8Array(0)
const PAGE = 1_000
/** Sorts after every key of the table it is used in. */
const LAST = new Uint8Array(65).fill(0xff)

function table(db: Database, name: string) {
  return db.sublevel<Uint8Array, Uint8Array>(name, BINARY)
}

function shardKey(vault: VaultId, id: ShardId): Uint8Array {
  return concat(vault, id)
}

function dueKey(at: ShardAt, row: ReleaseRow): Uint8Array {
  return concat(time(row.effectiveAt), at.vault, at.id)
}

function time(ms: number): Uint8Array {
  const bytes = Buffer.alloc(6)
  bytes.writeUIntBE(ms, 0, 6)
  return bytes
}

function under(prefix: Uint8Array): { gte: Uint8Array; lte: Uint8Array } {
  return { gte: prefix, lte: concat(prefix, LAST) }
}

function optional<T>(bytes: Uint8Array | undefined, decode: (bytes: Uint8Array) => T): T | undefined {
  return bytes === undefined ? undefined : decode(bytes)
}

function closed(): PlexiError {
  return new PlexiError('STORAGE_DATABASE', { name: 'hosted/metadata', reason: 'closed' })
}

function databaseError(error: unknown): PlexiError {
  if (error instanceof PlexiError) return error
  const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as { code?: string }).code
  return new PlexiError('STORAGE_DATABASE', { name: 'hosted/metadata', reason: cause ?? 'unknown' }, { cause: error })
}

/**
 * A local directory as the place for shards: a disk or NAS, and the engine without peers. k = n = 1.
 * Layout: `shards/<first two hex digits>/<shard id>`, `authority`, `terms`, `head-<peer>`, as docs/spec/04-snapshot-and-head.md § Files names them.
 * Invariant: a receipt is given after file and directory were synced.
 */
import { dirname, join } from 'node:path'
import { equal, fromHex, toHex, utf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { decode, encode } from '../../crypto/codec.ts'
import { sha256 } from '../../crypto/hash.ts'
import { peerKeyOf, type PeerKey } from '../../crypto/ids.ts'
import {
  groupId,
  openNotice,
  shardId,
  SHARD_BYTES,
  verifyShard,
  type FetchOutcome,
  type FetchRequest,
  type FoundHead,
  type HeadBundle,
  type Holder,
  type HostFault,
  type PlaceEvent,
  type PlaceRequest,
  type PlacementGroup,
  type ShardId,
  type ShardNetwork,
} from '../../shard/index.ts'
import { Fields } from '../codec/fields.ts'
import { STORE_MARKER } from '../sources/own-homes.ts'

export interface DirectoryNetworkOptions {
  readonly directory: string
  /** P(the directory is still there within 7 days). */
  readonly returnRate?: number
}

const HEAD_FILE_BYTES = 640 * 1024
const AUTHORITY_BYTES = 256 * 1024
const DEFAULT_RATE = 0.98

export class DirectoryNetwork implements ShardNetwork {
  readonly #directory: string
  readonly #disk: Disk
  readonly #clock: Clock
  readonly #group: PlacementGroup
  readonly #peer: PeerKey
  #prepared: Promise<void> | undefined
  #number = 0

  constructor(options: DirectoryNetworkOptions, deps: { disk: Disk; clock: Clock }) {
    this.#directory = options.directory
    this.#disk = deps.disk
    this.#clock = deps.clock
    // A stable name for the place: no peer has this key.
    this.#peer = peerKeyOf(sha256(utf8('plexichat/directory-peer')))
    const host = { peer: this.#peer, addresses: [] }
    const id = groupId(sha256(utf8('plexichat/directory-group')).subarray(0, 16))
    const slots = [{ host, former: [] }]
    this.#group = { id, version: 1, k: 1, n: 1, slots, standbys: [], returnRates: [options.returnRate ?? DEFAULT_RATE] }
  }

  async currentGroup(): Promise<PlacementGroup> {
    await this.#prepare()
    return this.#group
  }

  groups(): readonly PlacementGroup[] {
    return [this.#group]
  }

  adoptGroups(): Promise<void> {
    return Promise.resolve()
  }

  async *place(request: PlaceRequest, signal: AbortSignal): AsyncGenerator<PlaceEvent> {
    await this.#prepare()
    const missing: number[] = []
    for (const [index, id] of request.stripe.ids.entries()) {
      if (request.held.has(index)) continue
      signal.throwIfAborted()
      try {
        if (!(await this.#link(id, request.file?.(index)))) {
          const body = await request.read(index).catch((error: unknown) => toPlexiError(error))
          if (body instanceof PlexiError) {
            missing.push(index)
            yield { type: 'unreadable', index, error: body }
            continue
          }
          await this.#write(id, body)
        }
        const receipt = {
          shardId: id,
          host: this.#peer,
          number: ++this.#number,
          bytes: SHARD_BYTES,
          time: this.#clock.now(),
        }
        yield { type: 'receipt', index, receipt: { ...receipt, signed: new Uint8Array(0) } }
      } catch (error) {
        missing.push(index)
        yield { type: 'fault', index, fault: this.#fault(error) }
      }
    }
    yield { type: 'done', missing }
  }

  async fetch({ stripe, index, into }: FetchRequest): Promise<FetchOutcome> {
    const id = stripe.ids[index]
    if (id === undefined) return { ok: false, faults: [] }
    try {
      const bytes = await this.#disk.readFile(this.#path(id), SHARD_BYTES, into)
      if (into !== undefined || verifyShard(bytes, id)) return { ok: true, bytes, from: this.#peer, faults: [] }
      return { ok: false, faults: [{ peer: this.#peer, why: 'corrupt', detail: 'not the bytes of this shard' }] }
    } catch (error) {
      return { ok: false, faults: [this.#fault(error)] }
    }
  }

  async locate({ stripe, index }: FetchRequest): Promise<Holder[]> {
    const id = stripe.ids[index]
    const stat = id === undefined ? undefined : await this.#disk.stat(this.#path(id))
    return [{ peer: this.#peer, state: stat?.size === SHARD_BYTES ? 'held' : 'missing' }]
  }

  async release(requests: readonly FetchRequest[]): Promise<{ confirmed: number; faults: HostFault[] }> {
    const faults: HostFault[] = []
    for (const { stripe, index } of requests) {
      const id = stripe.ids[index]
      try {
        if (id !== undefined) await this.#disk.unlink(this.#path(id))
      } catch (error) {
        faults.push(this.#fault(error))
      }
    }
    return { confirmed: 1, faults }
  }

  async publishHead(bundle: HeadBundle): Promise<{ hosts: PeerKey[]; faults: HostFault[] }> {
    await this.#prepare()
    try {
      const { device, seq } = openNotice(bundle.notice)
      const known = await this.#readHead(join(this.#directory, `head-${device}`))
      if (known !== undefined) this.#refuseStale(known.notice, { notice: bundle.notice, seq })
      await this.#disk.writeFileAtomic(join(this.#directory, 'authority'), bundle.authority)
      await this.#disk.writeFileAtomic(join(this.#directory, 'terms'), bundle.terms)
      const head = encode({
        v: 1,
        notice: bundle.notice,
        sealed: bundle.sealed,
        authority: bundle.authority,
        records: [],
      })
      await this.#disk.writeFileAtomic(join(this.#directory, `head-${device}`), head)
      return { hosts: [this.#peer], faults: [] }
    } catch (error) {
      return { hosts: [], faults: [this.#fault(error)] }
    }
  }

  async findHeads(): Promise<FoundHead[]> {
    const names =
      (await this.#disk.stat(this.#directory)) === undefined ? [] : await this.#disk.readdir(this.#directory)
    const found: FoundHead[] = []
    for (const name of names.map(String).filter((text) => text.startsWith('head-') && !text.endsWith('.tmp'))) {
      const head = await this.#readHead(join(this.#directory, name))
      if (head === undefined) continue
      const terms = await this.#disk.readFile(join(this.#directory, 'terms'), AUTHORITY_BYTES)
      found.push({ bundle: { terms, ...head }, source: this.#peer })
    }
    return found
  }

  /** Ids of all shards that lie here. */
  async shards(): Promise<ShardId[]> {
    const ids: ShardId[] = []
    const top = join(this.#directory, 'shards')
    for (const prefix of await this.#disk.readdir(top))
      for (const name of await this.#disk.readdir(join(top, String(prefix)))) ids.push(shardId(fromHex(String(name))))
    return ids
  }

  /** On the same file system nothing is written twice. False where that cannot be, or something is there already. */
  async #link(id: ShardId, file: string | undefined): Promise<boolean> {
    if (file === undefined) return false
    const path = this.#path(id)
    try {
      await this.#disk.link(file, path)
    } catch {
      return false
    }
    await this.#disk.syncDirectory(dirname(path))
    return true
  }

  async #write(id: ShardId, bytes: Uint8Array): Promise<void> {
    const path = this.#path(id)
    if ((await this.#disk.stat(path))?.size === SHARD_BYTES) {
      const there = await this.#disk.readFile(path, SHARD_BYTES)
      if (verifyShard(there, id)) return
    }
    await this.#disk.writeFileAtomic(path, bytes)
  }

  async #readHead(path: string): Promise<Omit<HeadBundle, 'terms'> | undefined> {
    if ((await this.#disk.stat(path)) === undefined) return undefined
    const bytes = await this.#disk.readFile(path, HEAD_FILE_BYTES)
    const f = new Fields(decode(bytes, { what: 'head file', maxBytes: HEAD_FILE_BYTES }), 'head file')
    f.version(1)
    f.list('records', 64)
    const max = { max: HEAD_FILE_BYTES }
    const head = {
      notice: f.bytes('notice', max),
      sealed: f.bytes('sealed', max),
      authority: f.bytes('authority', max),
    }
    f.end()
    return head
  }

  #refuseStale(known: Uint8Array, head: { notice: Uint8Array; seq: number }): void {
    const newest = openNotice(known)
    if (head.seq < newest.seq) throw new PlexiError('STORAGE_HEAD_STALE', { seq: head.seq, newest: newest.seq })
    if (head.seq === newest.seq && !equal(known, head.notice))
      throw new PlexiError('STORAGE_HEAD_FORKED', { seq: head.seq })
  }

  /** Directories, and the mark that keeps backups from including this place. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeDirectories().catch((error: unknown) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }

  async #makeDirectories(): Promise<void> {
    const shards = join(this.#directory, 'shards')
    await this.#disk.mkdir(shards)
    for (let i = 0; i < 256; i++) await this.#disk.mkdir(join(shards, i.toString(16).padStart(2, '0')))
    await this.#disk.syncDirectory(shards)
    const marker = join(this.#directory, STORE_MARKER)
    if ((await this.#disk.stat(marker)) === undefined)
      await this.#disk.writeFileAtomic(marker, utf8('Sealed backup shards of PlexiChat; see docs/BACKUP_SYSTEM.md\n'))
  }

  #path(id: ShardId): string {
    const hex = toHex(id)
    return join(this.#directory, 'shards', hex.slice(0, 2), hex)
  }

  #fault(error: unknown): HostFault {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === 'ENOENT' ? 'missing' : code === 'ENOSPC' ? 'full' : 'refused'
    return { peer: this.#peer, why, detail: error instanceof Error ? error.message : String(error) }
  }
}

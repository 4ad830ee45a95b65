/**
 * The backup engine: the room's one entry. Spec: docs/BACKUP_SYSTEM.md.
 * Invariant: one writer at a time; reading goes on beside it; nothing acknowledged is ever lost by stopping anywhere.
 */
import { dirname } from 'node:path'
import { toHex as shardText } from '../base/bytes.ts'
import { invariant, PlexiError } from '../base/errors.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { SHARD_BYTES, type FoundHead, type HeadBundle, type ShardId } from '../shard/index.ts'
import type { Adoption } from './adopt/adopt.ts'
import { FORKED } from './adopt/own-head.ts'
import { BackupRun } from './backup/backup-run.ts'
import { Catalogue } from './catalogue/catalogue.ts'
import { ChunkIndex } from './catalogue/chunk-index.ts'
import { EventStream } from './events.ts'
import type { KernelSetup } from './kernel/jobs.ts'
import { KernelPool } from './kernel/pool.ts'
import { overview, safeOf, stripeHosts, waiting } from './health.ts'
import { hostNote } from './notes.ts'
import type { BackupOptions } from './options.ts'
import type { EngineDeps, Parts } from './parts.ts'
import { collectGarbage } from './prune/collect.ts'
import { PruneRun } from './prune/prune-run.ts'
import { Browser, type Difference, type FindWhere, type Found, type Place, type Sides } from './read/browse.ts'
import type { ByteRange } from './read/content.ts'
import type { Entry, Names } from './read/entry.ts'
import { listShards, shardDetail, type ShardDetail, type ShardFilter, type ShardInfo } from './read/shard-list.ts'
import { removeOldCopies } from './sources/sqlite/database-source.ts'
import { forget, type ForgetRequest, type ForgetResult } from './retention/forget.ts'
import { RemoteDesk } from './remotes/desk.ts'
import { Places } from './remotes/places.ts'
import { RemoteBook } from './remotes/remote-book.ts'
import { spreadToHosts } from './remotes/spread.ts'
import { PlanRun } from './restore/plan-run.ts'
import { RestoreRun } from './restore/restore-run.ts'
import { Session } from './session.ts'
import { DecodedSnapshots } from './snapshot/decoded.ts'
import { findSnapshot, listSnapshots } from './snapshot/find.ts'
import { placedSnapshots, snapshotInfos } from './snapshot/info.ts'
import type { SnapshotId } from './snapshot/snapshot.ts'
import { InlineStore } from './store/inline-store.ts'
import { Outbox } from './store/outbox.ts'
import { VerifyRun } from './verify/verify-run.ts'
import type {
  BackupEvent,
  BackupRequest,
  CollectSummary,
  DrainEvent,
  EngineStatus,
  PruneEvent,
  PruneRequest,
  RestoreEvent,
  RestoreRequest,
  SnapshotFilter,
  SnapshotInfo,
  SnapshotMark,
  StorageFigures,
  VerifyEvent,
  VerifyRequest,
} from './requests.ts'

export class BackupEngine {
  readonly #options: BackupOptions
  readonly #deps: EngineDeps
  #session: Session | undefined

  constructor(options: BackupOptions, deps: EngineDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** Opens catalogue, index and outbox; removes what a crash left behind. Throws `STORAGE_DATABASE`, `CONFIG_NEWER_HOME`. */
  async open(): Promise<void> {
    const { disk, clock, home } = this.#deps
    for (const path of [dirname(home.catalog), dirname(home.index), home.outbox, home.cache]) await disk.mkdir(path)
    await removeOldCopies(disk, home.cache)
    const catalogue = await Catalogue.open(home.catalog, disk)
    let index: ChunkIndex | undefined
    try {
      index = await ChunkIndex.open(home.index, { catalogue, disk })
      const outbox = await Outbox.open(this.#options, { disk, clock, catalogue, directory: home.outbox })
      const inline = new InlineStore({ ...this.#deps, catalogue })
      inline.load()
      const remotes = new RemoteBook({ ...this.#deps, catalogue })
      const hosts = this.#deps.network
      const network = new Places({ hosts, book: remotes, catalogue, clock })
      const kernel = new KernelPool(() => this.#kernelSetup(), this.#deps)
      const decoded = new DecodedSnapshots(this.#deps.keys.shared.idMac)
      const shared = { catalogue, index, outbox, inline, remotes, hosts, network, kernel, decoded }
      const parts: Parts = { ...this.#deps, options: this.#options, ...shared }
      this.#session = new Session(parts)
    } catch (error) {
      await index?.close()
      catalogue.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session === undefined) return
    await session.placer.settle()
    await session.parts.remotes.close()
    await session.parts.kernel.stop()
    await session.parts.index.close()
    session.parts.catalogue.close()
  }

  /** Makes a snapshot. The last event is the summary; by then it is durable here, and placed as far as hosts allowed. */
  backup(request: BackupRequest, signal: AbortSignal): AsyncGenerator<BackupEvent> {
    const session = this.#open
    const events = new EventStream<BackupEvent>(session.parts.clock, this.#options.progressEveryMs)
    return events.run(signal, (inner) =>
      session.exclusive(inner, () => {
        if (session.parts.catalogue.heads.meta(FORKED) !== undefined)
          throw new PlexiError('STORAGE_HEAD_FORKED', { seq: session.parts.catalogue.heads.newest()?.seq ?? 0 })
        return new BackupRun(session, request, { events, signal: inner }).run()
      }),
    )
  }

  /** Tries once to bring everything that waits to hosts; publishes the head when it may. */
  drain(signal: AbortSignal): AsyncGenerator<DrainEvent> {
    const session = this.#open
    const events = new EventStream<DrainEvent>(session.parts.clock, this.#options.progressEveryMs)
    return events.run(signal, (inner) =>
      session.exclusive(inner, async () => {
        const note = (what: Parameters<typeof hostNote>[0]): void => {
          hostNote(what, events)
        }
        await session.former.refresh(inner)
        await spreadToHosts(session, inner)
        await session.writer(inner, { place: true, note }).formTail()
        const headHosts = await session.placeAndPublish(inner, note)
        return { type: 'summary', ...waiting(session.parts), headHosts, safe: safeOf(session.parts) } as const
      }),
    )
  }

  /** Restores below `request.to`; run again it goes on where it stopped. Ends with a summary; `failed` lists what is missing. */
  restore(request: RestoreRequest, signal: AbortSignal): AsyncGenerator<RestoreEvent> {
    const session = this.#open
    const events = new EventStream<RestoreEvent>(session.parts.clock, this.#options.progressEveryMs)
    return events.run(signal, (inner) =>
      session.reading(() =>
        request.plan === true
          ? new PlanRun(session, request, inner).run()
          : new RestoreRun(session, request, { events, signal: inner }).run(),
      ),
    )
  }

  /** Checks what is stored; ends with a summary that names hosts, snapshots and files hit. */
  verify(request: VerifyRequest, signal: AbortSignal): AsyncGenerator<VerifyEvent> {
    const session = this.#open
    const events = new EventStream<VerifyEvent>(session.parts.clock, this.#options.progressEveryMs)
    return events.run(signal, (inner) =>
      session.reading(() => new VerifyRun(session, request, { events, signal: inner }).run()),
    )
  }

  /**
   * Hides snapshots, by name or by what a policy keeps; `prune` frees what only they needed. Throws `VALIDATION_USAGE`,
   * `STORAGE_SNAPSHOT_NOT_FOUND`, `STORAGE_FORGET_ALL`, `STORAGE_FORGET_LIMIT`.
   */
  forget(request: ForgetRequest): ForgetResult {
    return forget(this.#open.parts, request)
  }

  /**
   * Frees what no snapshot needs; run again it goes on. Throws `STORAGE_TOO_FEW_HOSTS`, `STORAGE_NO_HEAD` or
   * `NETWORK_NO_BOOTSTRAP` while heads cannot be read or left, `STORAGE_UNRESTORABLE` where a snapshot is damaged.
   */
  prune(request: PruneRequest, signal: AbortSignal): AsyncGenerator<PruneEvent> {
    const session = this.#open
    const events = new EventStream<PruneEvent>(session.parts.clock, this.#options.progressEveryMs)
    return events.run(signal, (inner) =>
      session.exclusive(inner, () => new PruneRun(session, request, { events, signal: inner }).run()),
    )
  }

  /** Directories that keep a copy of everything. */
  get remotes(): RemoteDesk {
    return new RemoteDesk(this.#open)
  }

  /** Cleans up at home: orphans of the outbox, index entries of no use, free pages of the catalogue. */
  collectGarbage(signal: AbortSignal): Promise<CollectSummary> {
    const session = this.#open
    return session.exclusive(signal, () => collectGarbage(session, signal))
  }

  /** Newest first. */
  snapshots(filter: SnapshotFilter = {}): SnapshotInfo[] {
    const { parts } = this.#open
    return snapshotInfos(parts, listSnapshots(parts, filter))
  }

  /** Of all snapshots what they are and when they were made: much cheaper than how safe each one is. Newest first. */
  history(): SnapshotMark[] {
    return listSnapshots(this.#open.parts, {}).map(({ snapshot }) => {
      const { id, time, name, device, partial } = snapshot
      return { id, time, name, device, partial }
    })
  }

  /** Full id for `latest`, an id or an unambiguous prefix. Throws `STORAGE_SNAPSHOT_NOT_FOUND`. */
  resolve(ref: string, filter: SnapshotFilter = {}): SnapshotId {
    return findSnapshot(this.#open.parts, ref, filter).snapshot.id
  }

  /**
   * Entries of a directory, or the one entry a path names; `after`: only what comes behind that path. Throws
   * `STORAGE_PATH_NOT_FOUND`.
   */
  list(
    ref: string,
    path: string,
    options: { recursive: boolean; after?: Names; signal: AbortSignal },
  ): AsyncGenerator<Entry> {
    return this.#browser(options.signal).list(ref, path, options)
  }

  /** Entries whose name (or path, when the pattern has a slash) matches a glob, in one snapshot or all, newest first. */
  find(pattern: string, where: FindWhere, signal: AbortSignal): AsyncGenerator<Found> {
    return this.#browser(signal).find(pattern, where)
  }

  /** What has changed from one snapshot, or a part of it, to another. Throws as `list`, `VALIDATION_USAGE`. */
  diff(sides: Sides, signal: AbortSignal): AsyncGenerator<Difference> {
    return this.#browser(signal).diff(sides)
  }

  /** Content of one file, or of a part that lies inside it. */
  cat(at: Place & { readonly range?: ByteRange }, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#browser(signal).cat(at)
  }

  /** Everything at and below a path as a tar stream. Throws as `list`; in the middle what cannot be read. */
  archive(at: Place, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#browser(signal).archive(at)
  }

  shards(filter: ShardFilter = {}): ShardInfo[] {
    return listShards(this.#open.parts, filter)
  }

  /** Throws `STORAGE_SHARD_NOT_FOUND`. */
  shard(id: ShardId, signal: AbortSignal): Promise<ShardDetail> {
    return shardDetail(this.#open, id, signal)
  }

  /** Sealed bytes, from wherever they can be had. Throws `STORAGE_SHARD_NOT_FOUND`, `STORAGE_UNRESTORABLE`. */
  async fetchShard(id: ShardId, signal: AbortSignal): Promise<Uint8Array> {
    const session = this.#open
    const row = session.parts.catalogue.shards.find(id)
    if (row === undefined) throw new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: shardText(id) })
    return session.reader.bytes(row, signal)
  }

  status(): EngineStatus {
    const { parts } = this.#open
    const { catalogue } = parts
    const head = catalogue.heads.newest()
    return {
      snapshots: catalogue.snapshots.count(),
      placed: placedSnapshots(parts),
      lastBackup: catalogue.snapshots.newest()[0]?.time ?? null,
      shards: catalogue.shards.count(),
      stripes: catalogue.stripes.counts().live,
      queued: waiting(parts).queued,
      queuedBytes: parts.outbox.usedBytes,
      safe: safeOf(parts),
      target: this.#options.target,
      restorableInput: stripeHosts(overview(parts)),
      headSeq: head?.seq ?? 0,
      headTime: head?.time ?? null,
      headPublished: head?.published === true && head.revision === catalogue.revision,
      forked: catalogue.heads.meta(FORKED) !== undefined,
      alarms: this.#open.alarms,
    }
  }

  /** Cheap to ask. `released`: bodies that have left it since it was opened. */
  outbox(): { full: boolean; usedBytes: number; released: number } {
    const { full, usedBytes, released } = this.#open.parts.outbox
    return { full, usedBytes, released }
  }

  /** What backups take. Bytes of shards with parity and copies. */
  storage(): StorageFigures {
    const { catalogue, outbox } = this.#open.parts
    return {
      snapshots: catalogue.snapshots.count(),
      forgotten: catalogue.snapshots.forgotten().length,
      stripes: catalogue.stripes.counts().live,
      waitingStripes: catalogue.stripes.inState('retired').length,
      shards: catalogue.stripes.liveShards(),
      bytes: catalogue.stripes.liveShards() * SHARD_BYTES,
      queuedBytes: outbox.usedBytes,
    }
  }

  /** Takes over what heads found on hosts say, where the other devices may be gone: recovery. */
  adopt(heads: readonly FoundHead[], signal: AbortSignal): Promise<Adoption> {
    return this.#adopt(heads, { custody: true, signal })
  }

  /** Likewise, where the other devices go on: each names its own. Throws `STORAGE_NO_HEAD` when none of them is valid. */
  sync(heads: readonly FoundHead[], signal: AbortSignal): Promise<Adoption> {
    return this.#adopt(heads, { custody: false, signal })
  }

  #adopt(heads: readonly FoundHead[], use: { custody: boolean; signal: AbortSignal }): Promise<Adoption> {
    const session = this.#open
    return session.exclusive(use.signal, () => session.adopt(heads, use))
  }

  /** The other devices of the vault, as their newest heads known here tell. */
  others(): { device: PeerKey; seq: number; time: number; custody: boolean; snapshots: number }[] {
    const { others } = this.#open.parts.catalogue
    return others.all().map(({ device, seq, time, custody }) => {
      return { device, seq, time, custody, snapshots: others.named(device, 'snapshots').size }
    })
  }

  /** The keys have changed: what waits here is sealed anew, and the next head tells of the newer authority. */
  rekeyed(signal: AbortSignal): Promise<void> {
    const session = this.#open
    const { catalogue, inline } = session.parts
    return session.exclusive(signal, async () => {
      inline.reseal()
      catalogue.commit(() => {
        catalogue.touch()
      })
    })
  }

  /** Every head of this vault that remotes and reachable members hold, unverified. Throws `NETWORK_NO_BOOTSTRAP`. */
  findHeads(signal: AbortSignal): Promise<FoundHead[]> {
    return this.#open.parts.network.findHeads(signal)
  }

  /** The words were given: backups may go on after a second fork. */
  clearFork(): void {
    const { catalogue } = this.#open.parts
    catalogue.commit(() => {
      catalogue.heads.clearMeta(FORKED)
    })
  }

  /** The newest head made, whether hosts have it or not. */
  head(): HeadBundle | undefined {
    return this.#open.publisher.bundle()
  }

  #kernelSetup(): KernelSetup {
    const { keys } = this.#deps
    const { idMac, chunker } = keys.shared
    const epochs = keys.epochs.toSorted((a, b) => a.epoch - b.epoch)
    return { idMac, chunker, epochs, chunk: this.#options.chunk, packer: this.#options.packer }
  }

  #browser(signal: AbortSignal): Browser {
    return new Browser(this.#open, signal)
  }

  get #open(): Session {
    invariant(this.#session !== undefined, 'the engine is open')
    return this.#session
  }
}

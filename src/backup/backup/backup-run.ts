/**
 * One backup from its request to its summary. Spec: docs/spec/04-snapshot-and-head.md § Order of writes.
 * Invariant: the snapshot is recorded in the last commit; everything it needs is durable by then.
 */
import { dirname, resolve } from 'node:path'
import { fromHex, toHex, utf8 } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { EventStream } from '../events.ts'
import { safeOf, waiting } from '../health.ts'
import { limits } from '../options.ts'
import { hostNote } from '../notes.ts'
import type { BackupEvent, BackupRequest, BackupSummary, ExportFound, Skipped } from '../requests.ts'
import type { Session } from '../session.ts'
import { encodeSnapshot, type Snapshot, type SnapshotId } from '../snapshot/snapshot.ts'
import { coverOlder } from '../snapshot/older-lists.ts'
import { fillFrom } from '../sources/fill.ts'
import { lister } from '../sources/listing.ts'
import { leftOut } from '../sources/left-out.ts'
import { withExports } from '../sources/exports/export-note.ts'
import { NEVER_BACKED_UP, OwnHomes } from '../sources/own-homes.ts'
import { readOwners, type Owners } from '../sources/owners.ts'
import type { WalkDeps, WalkEntry } from '../sources/walk.ts'
import type { ChunkWriter } from '../store/chunk-writer.ts'
import { finishWriting } from '../store/finish.ts'
import type { NodeList } from '../tree/node.ts'
import { Counters, scan } from './counters.ts'
import { DryStore } from './dry-store.ts'
import { Skips } from './skips.ts'
import { nothingLeft, rootsOf } from './roots.ts'
import type { ChunkStore } from './content-deps.ts'
import { TreeWriter } from './tree-writer.ts'

export class BackupRun {
  readonly #session: Session
  readonly #request: BackupRequest
  readonly #events: EventStream<BackupEvent>
  readonly #signal: AbortSignal
  readonly #counters = new Counters()
  readonly #skips = new Skips()
  #homes: Promise<OwnHomes> | undefined
  readonly #exports: ExportFound[] = []
  readonly #startedAt: number
  /** Number of the newest stripe before this run. */
  readonly #lastStripe: number
  readonly #time: number
  #phase: 'reading' | 'placing' = 'reading'
  #stats = { newBytes: 0, storedBytes: 0, newShards: 0, stripes: 0 }

  constructor(
    session: Session,
    request: BackupRequest,
    run: { events: EventStream<BackupEvent>; signal: AbortSignal },
  ) {
    this.#session = session
    this.#request = checkRequest(request)
    this.#events = run.events
    this.#signal = run.signal
    this.#startedAt = session.parts.clock.elapsed()
    this.#time = session.parts.clock.now()
    this.#lastStripe = session.parts.catalogue.stripes.live().at(-1)?.no ?? 0
  }

  async run(): Promise<BackupSummary> {
    const place = this.#request.localOnly !== true && this.#request.dryRun !== true
    const group = place ? this.#findHosts() : Promise.resolve()
    const roots = await this.#roots()
    if (this.#request.dryRun === true) return this.#dryRun(roots)
    const writer = this.#session.writer(this.#signal, {
      place,
      note: (note) => {
        hostNote(note, this.#events)
      },
    })
    this.#stats = writer.stats
    try {
      const tree = await this.#read(roots, writer)
      const snapshot = await this.#record(tree, roots, writer)
      if (place) {
        await group
        await this.#bringOut(writer)
      }
      return this.#summary(snapshot)
    } finally {
      await writer.idle()
    }
  }

  /** Paths that are not there are left out and named, like files that cannot be read; those in an own home are never read. */
  async #roots(): Promise<readonly WalkEntry[]> {
    if (this.#request.stream !== undefined) return []
    const paths = [...(this.#request.paths ?? []), ...(this.#request.databases ?? [])]
    const { disk } = this.#session.parts
    const { roots, missing, own } = await rootsOf(paths, { disk, homes: await this.#ownHomes() })
    for (const each of missing) this.#skip(each)
    for (const path of own) this.#leaveOut(path, NEVER_BACKED_UP)
    return roots
  }

  #ownHomes(): Promise<OwnHomes> {
    const { disk, home } = this.#session.parts
    this.#homes ??= OwnHomes.of(disk, [dirname(home.catalog), home.outbox, home.index])
    return this.#homes
  }

  async #dryRun(roots: readonly WalkEntry[]): Promise<BackupSummary> {
    const store = new DryStore(this.#session.parts)
    this.#stats = store.stats
    await this.#read(roots, store)
    store.finish()
    return this.#summary(null)
  }

  /** In the background: hosts may have to be found first. */
  async #findHosts(): Promise<void> {
    try {
      await this.#session.former.refresh(this.#signal)
    } catch (error) {
      if (!this.#signal.aborted) this.#session.parts.log.warn('no hosts', { error: toPlexiError(error).message })
    }
  }

  async #read(roots: readonly WalkEntry[], store: ChunkStore): Promise<NodeList> {
    const { parts } = this.#session
    const homes = await this.#ownHomes()
    const walk = {
      disk: parts.disk,
      list: lister(parts),
      listedAtOnce: parts.options.listedAtOnce,
      homes,
      signal: this.#signal,
      ...leftOut(this.#request),
    }
    const owners = await readOwners(parts.disk)
    const writer = new TreeWriter({
      parts,
      store,
      tree: this.#session.tree(this.#signal),
      walk,
      counters: this.#counters,
      databases: new Set(this.#request.databases?.map((path) => resolve(path))),
      save: this.#request.dryRun !== true,
      owners,
      settings: this.#settings(owners),
      forceRead: this.#request.forceRead === true,
      progress: () => {
        this.#progress()
      },
      skip: (skipped) => {
        this.#skip(skipped)
      },
      found: (found) => {
        this.#found(found)
      },
      leaveOut: (path, reason) => {
        this.#leaveOut(path, reason)
      },
    })
    const { stream } = this.#request
    if (stream === undefined) return this.#readTrees(writer, roots, walk)
    const { fill, close } = fillFrom(stream.data)
    try {
      return await writer.writeStream(stream.name, fill)
    } finally {
      await close()
    }
  }

  /** What decides, besides the entries of a directory, how it is stored. */
  #settings({ digest }: Owners): Uint8Array {
    const { exclude, excludeIfPresent, excludeCaches, oneFileSystem, databases } = this.#request
    const chosen = [exclude, excludeIfPresent, excludeCaches, oneFileSystem, databases].map((each) => each ?? null)
    return sha256(digest, utf8(JSON.stringify(chosen)))
  }

  async #readTrees(writer: TreeWriter, roots: readonly WalkEntry[], walk: WalkDeps): Promise<NodeList> {
    const stop = new AbortController()
    const signal = AbortSignal.any([walk.signal, stop.signal])
    const scanning = scan(roots, { ...walk, clock: this.#session.parts.clock, signal }, this.#counters)
    scanning.catch(() => undefined)
    try {
      const written = await writer.writeRoots(roots)
      if (written.nodes === 0) throw this.#nothing(roots)
      return written.list
    } finally {
      stop.abort()
      await scanning.catch(() => undefined)
      this.#counters.readingEnded()
    }
  }

  #nothing(roots: readonly WalkEntry[]): PlexiError {
    const { first } = this.#skips
    if (first !== undefined) return new PlexiError('STORAGE_SOURCE_UNREADABLE', { ...first })
    return nothingLeft(roots.map(({ path }) => String(path)))
  }

  /** The snapshot object, and the commit that makes it exist. */
  async #record(tree: NodeList, roots: readonly WalkEntry[], writer: ChunkWriter): Promise<Snapshot> {
    const { parts, reader } = this.#session
    const { catalogue, keys } = parts
    const covered = await coverOlder(parts, writer)
    const newest = catalogue.snapshots.all()[0]
    const { stream, name, tags, note } = this.#request
    const snapshot: Snapshot = {
      id: toHex(parts.random.bytes(16)) as SnapshotId,
      time: this.#time,
      device: keys.device,
      name: name ?? '',
      tags: tags ?? [],
      paths: stream === undefined ? roots.map((root) => root.path) : [utf8(stream.name)],
      tree,
      stats: {
        files: this.#counters.filesDone,
        dirs: this.#counters.dirs,
        bytes: this.#counters.bytesDone,
        skipped: this.#skips.count,
      },
      parent: newest === undefined ? null : (toHex(newest.id) as SnapshotId),
      partial: this.#skips.count > 0,
      note: withExports(note ?? '', this.#exports),
    }
    const body = encodeSnapshot(snapshot, keys.shared.idMac)
    const chunk = await writer.putObject(body)
    await finishWriting({ parts, writer, reader, signal: this.#signal }, (shards) => {
      catalogue.snapshots.add({ id: fromHex(snapshot.id), time: snapshot.time, chunk, body, shards })
      covered()
    })
    return snapshot
  }

  /** Everything to hosts, then the head. Hosts that fail are notes; what they lack stays queued. */
  async #bringOut(writer: ChunkWriter): Promise<void> {
    this.#phase = 'placing'
    this.#progress()
    await writer.formTail()
    await this.#session.placeAndPublish(this.#signal, (note) => {
      hostNote(note, this.#events)
      this.#progress()
    })
  }

  #found(found: ExportFound): void {
    if (this.#exports.length < limits.exports) this.#exports.push(found)
    // Files are read beside each other and end in any order.
    this.#exports.sort((a, b) => (a.path < b.path ? -1 : 1))
    for (const message of found.warnings)
      this.#events.emit({ type: 'note', about: 'source', message: `${found.app} export: ${message}`, path: found.path })
  }

  #leaveOut(path: string, reason: string): void {
    this.#events.emit({ type: 'note', about: 'source', message: reason, path })
  }

  #skip(skipped: Skipped): void {
    this.#skips.add(skipped)
    this.#events.emit({ type: 'note', about: 'source', message: skipped.reason, path: skipped.path })
  }

  #progress(): void {
    this.#events.progress(() => {
      const { filesDone, bytesDone, filesTotal, bytesTotal, totalKnown } = this.#counters
      const { newBytes, storedBytes } = this.#stats
      const { placed } = waiting(this.#session.parts)
      const queuedBytes = this.#session.parts.outbox.usedBytes
      const totals = {
        filesTotal: Math.max(filesTotal, filesDone),
        bytesTotal: Math.max(bytesTotal, bytesDone),
        totalKnown,
      }
      return {
        type: 'progress',
        phase: this.#phase,
        filesDone,
        bytesDone,
        ...totals,
        newBytes,
        storedBytes,
        stripesPlaced: placed,
        queuedBytes,
      }
    })
  }

  #summary(snapshot: Snapshot | null): BackupSummary {
    const { parts, former } = this.#session
    const { placed, queued } = waiting(parts)
    const safe = safeOf(parts)
    return {
      type: 'summary',
      snapshot: snapshot?.id ?? null,
      files: this.#counters.filesDone,
      dirs: this.#counters.dirs,
      bytes: this.#counters.bytesDone,
      ...this.#stats,
      // With the ones that hold the index, which are formed after the writer is done.
      stripes:
        snapshot === null
          ? this.#stats.stripes
          : parts.catalogue.stripes.live().filter(({ no }) => no > this.#lastStripe).length,
      k: former.group?.k ?? null,
      n: former.group?.n ?? null,
      placed,
      queued,
      safe,
      belowTarget: safe === null || safe < parts.options.target,
      skipped: this.#skips.list(),
      exports: this.#exports,
      xattrs: parts.disk.support.xattrs ? 'kept' : 'skipped',
      seconds: (parts.clock.elapsed() - this.#startedAt) / 1000,
    }
  }
}

function checkRequest(request: BackupRequest): BackupRequest {
  const { tags = [], name = '', note = '', stream } = request
  const bad =
    (tags.length > limits.tags && 'too many tags') ||
    (tags.some((tag) => tag.length > 256 || tag === '') && 'a tag is empty or too long') ||
    (name.length > 1024 && 'the name is too long') ||
    (note.length > 4096 && 'the note is too long') ||
    (stream !== undefined && !isFileName(stream.name) && 'the name of a stream must be a file name') ||
    (stream !== undefined &&
      (request.paths?.length ?? 0) + (request.databases?.length ?? 0) > 0 &&
      'paths and a stream exclude each other')
  if (bad !== false) throw new PlexiError('VALIDATION_USAGE', { reason: bad })
  return request
}

function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && utf8(name).length <= 255
}

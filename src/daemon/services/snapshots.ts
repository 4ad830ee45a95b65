/** Snapshots over the API: lists and content come from the engine at once, long work becomes a job. */
import type {
  BackupRequest,
  Difference,
  Entry,
  FoundEntry,
  Job,
  RestoreRequest,
  Snapshot,
  SnapshotFilter,
  SnapshotPlace,
  SnapshotService,
  VerifyRequest,
} from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import { isoTime } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { JobRunner } from '../jobs/runner.ts'
import { submitBackup } from '../jobs/submit-backup.ts'
import type { SourceBook } from '../schedule/source-book.ts'
import { restorableShare } from '../status/measure.ts'

export interface SnapshotsDeps {
  readonly engine: engine.BackupEngine
  readonly jobs: JobRunner
  readonly sources: SourceBook
  readonly online: () => ReadonlySet<string>
}

/** Everything, for `verify`. */
const ALL = 'all'

export class Snapshots implements SnapshotService {
  readonly #deps: SnapshotsDeps

  constructor(deps: SnapshotsDeps) {
    this.#deps = deps
  }

  list(filter: SnapshotFilter): Snapshot[] {
    return this.show(this.#deps.engine.snapshots(knownFilter(filter)))
  }

  /** Snapshots as the API shows them. */
  show(infos: readonly engine.SnapshotInfo[]): Snapshot[] {
    const online = this.#deps.online()
    const all = this.#deps.engine.remotes
      .list()
      .some(({ complete, state }) => complete && (state === 'present' || state === 'full'))
    return infos.map((info) => apiSnapshot(info, all ? 1 : restorableShare(info.hosts, online)))
  }

  async get(ref: string, filter: SnapshotFilter): Promise<Snapshot> {
    const id = this.#deps.engine.resolve(ref, knownFilter(filter))
    const found = this.list({}).find((snapshot) => snapshot.id === id)
    if (found === undefined) throw new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: ref })
    return found
  }

  async backup(request: BackupRequest): Promise<Job> {
    return submitBackup(this.#deps, request)
  }

  tree(
    { ref, filter, path = '', ...what }: Parameters<SnapshotService['tree']>[0],
    signal: AbortSignal,
  ): AsyncIterable<Entry> {
    const { engine } = this.#deps
    const id = engine.resolve(ref, knownFilter(filter))
    return mapped(engine.list(id, path, { ...what, signal }), apiEntry)
  }

  diff(
    { a, b, filter, after }: Parameters<SnapshotService['diff']>[0],
    signal: AbortSignal,
  ): AsyncIterable<Difference> {
    const [from, to] = [this.#place(a, filter), this.#place(b, filter)]
    const changes = this.#deps.engine.diff({ from, to, ...(after === undefined ? {} : { after }) }, signal)
    return mapped(changes, apiDifference)
  }

  async file(
    at: { ref: string; filter: SnapshotFilter; path: string; range: { from: number; length: number } },
    signal: AbortSignal,
  ): Promise<{ size: number; body: AsyncIterable<Uint8Array> }> {
    const { engine } = this.#deps
    const id = engine.resolve(at.ref, knownFilter(at.filter))
    const first = await engine.list(id, at.path, { recursive: false, signal }).next()
    const entry = first.done === true ? undefined : first.value
    if (entry?.type !== 'file' || entry.path !== trimmed(at.path)) {
      const message = `${at.path} is not a file in snapshot ${id}`
      throw new PlexiError('STORAGE_PATH_NOT_FOUND', { path: at.path, snapshot: id }, { message })
    }
    const from = Math.min(at.range.from, entry.size)
    const length = Math.min(at.range.length, entry.size - from)
    return { size: length, body: engine.cat({ snapshot: id, path: at.path, range: { from, length } }, signal) }
  }

  archive(at: SnapshotPlace, filter: SnapshotFilter, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#deps.engine.archive(this.#place(at, filter), signal)
  }

  async restore(ref: string, request: RestoreRequest): Promise<Job> {
    // Named now: `latest` must not change its meaning when the job is taken up again.
    const snapshot = this.#deps.engine.resolve(ref, knownFilter(request.filter))
    const from = request.path === undefined ? snapshot.slice(0, 12) : `${snapshot.slice(0, 12)}:${request.path}`
    const title = `restore ${from} to ${request.to}`.slice(0, 300)
    return this.#deps.jobs.submit('restore', { title, request: { ...request, filter: {}, snapshot } })
  }

  async verify(ref: string, request: VerifyRequest): Promise<Job> {
    const { readDataPercent } = request
    if (ref === ALL)
      return this.#deps.jobs.submit('verify', { title: 'verify everything', request: { readDataPercent } })
    const snapshot = this.#deps.engine.resolve(ref, {})
    return this.#deps.jobs.submit('verify', {
      title: `verify ${snapshot.slice(0, 12)}`,
      request: { snapshot, readDataPercent },
    })
  }

  #place({ ref, path = '' }: SnapshotPlace, filter: SnapshotFilter): engine.Place {
    return { snapshot: this.#deps.engine.resolve(ref, knownFilter(filter)), path }
  }

  async *find(
    { pattern, ...where }: Parameters<SnapshotService['find']>[0],
    signal: AbortSignal,
  ): AsyncGenerator<FoundEntry> {
    const { engine } = this.#deps
    const times = new Map(engine.history().map(({ id, time }) => [id, isoTime(time)]))
    for await (const found of engine.find(pattern, where, signal))
      yield { ...apiEntry(found), snapshot: found.snapshot, time: times.get(found.snapshot) ?? isoTime(0) }
  }
}

function apiSnapshot(info: engine.SnapshotInfo, restorable: number | null): Snapshot {
  const { id, name, files, dirs, bytes, device, placed, safe, partial } = info
  return {
    ...{ id, files, dirs, bytes, device, placed, safe, partial },
    time: isoTime(info.time),
    name: name === '' ? null : name,
    tags: [...info.tags],
    paths: [...info.paths],
    restorable,
  }
}

function apiEntry(entry: engine.Entry): Entry {
  const { type, size, mode, user, group, target, mtimeNs } = entry
  return {
    ...apiPath(entry),
    ...{ size, mode, user, group },
    type: type === 'link' ? 'symlink' : type,
    mtime: isoTime(clampTime(mtimeNs)),
    ...(target === null ? {} : { target }),
  }
}

function apiPath({ path, rawPath }: engine.PathText): Pick<Entry, 'path' | 'rawPath'> {
  return rawPath === null ? { path } : { path, rawPath }
}

function apiDifference({ change, before, after, ...paths }: engine.Difference): Difference {
  const side = (entry: engine.Entry | null): Entry | null => (entry === null ? null : apiEntry(entry))
  return { ...apiPath(paths), change, before: side(before), after: side(after) }
}

/** Dates go from year −271821 to 275760; file systems may hold more. */
function clampTime(ns: bigint): number {
  const ms = Number(ns / 1_000_000n)
  return Math.max(-62_135_596_800_000, Math.min(253_402_300_799_999, ms))
}

function trimmed(path: string): string {
  return path
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')
}

/** Without fields that are there but undefined. */
export function knownFilter(filter: {
  [K in keyof SnapshotFilter]: SnapshotFilter[K] | undefined
}): engine.SnapshotFilter {
  const { tag, path, name, device } = filter
  return {
    ...(tag === undefined ? {} : { tag }),
    ...(path === undefined ? {} : { path }),
    ...(name === undefined ? {} : { name }),
    ...(device === undefined ? {} : { device }),
  }
}

async function* mapped<A, B>(items: AsyncIterable<A>, change: (item: A) => B): AsyncGenerator<B> {
  for await (const item of items) yield change(item)
}

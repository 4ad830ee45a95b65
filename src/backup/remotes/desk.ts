/** Remotes as the rooms above see them: list, add, remove, copy, try. Spec: docs/REMOTES.md */
import { toHex } from '../../base/bytes.ts'
import { deadline, MINUTE } from '../../base/clock.ts'
import { SHARD_BYTES, type FoundHead } from '../../shard/index.ts'
import type { RemoteRow } from '../catalogue/remote-rows.ts'
import { EventStream } from '../events.ts'
import { SeedWriter, type SeedEvent, type SeedRequest } from '../seed/seed-writer.ts'
import type { Session } from '../session.ts'
import { Mirror } from './mirror.ts'
import type { Remote, RemoteState } from './remote-book.ts'
import { RemoteTest, type RemoteTestEvent } from './remote-test.ts'

export interface RemoteInfo {
  /** 32 hex digits. */
  readonly id: string
  readonly path: string
  readonly state: RemoteState
  /** Why it is not `present`; empty otherwise. */
  readonly reason: string
  /** Everything that is stored can be restored from it alone, the newest snapshot included. */
  readonly complete: boolean
  /** Milliseconds since 1970; `completed` null before the first time. */
  readonly added: number
  readonly seen: number
  readonly completed: number | null
  readonly headSeq: number
}

export interface RemoteFigures extends RemoteInfo {
  readonly bytes: number
  readonly missingBytes: number
  /** Null while it is not there. */
  readonly freeBytes: number | null
  readonly totalBytes: number | null
}

const DESCRIBE_WAIT_MS = MINUTE

export class RemoteDesk {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  /** Cheap: from memory and a few rows. */
  list(): RemoteInfo[] {
    const { remotes } = this.#session.parts
    const states = new Map(remotes.all().map((remote) => [remote.no, remote]))
    return remotes.rows().flatMap((row) => {
      const remote = states.get(row.no)
      return remote === undefined ? [] : [this.#info(row, remote)]
    })
  }

  /** With what lies there and what there is room for. Throws `STORAGE_NOT_FOUND`. */
  async figures(name: string): Promise<RemoteFigures> {
    const { catalogue, remotes } = this.#session.parts
    const { row, remote } = remotes.find(name)
    const { held, missing } = catalogue.remotes.counts(row.no)
    const there = remote.state === 'present' || remote.state === 'full'
    const space = there ? await remote.directory.space().catch(() => undefined) : undefined
    return {
      ...this.#info(row, remote),
      bytes: held * SHARD_BYTES,
      missingBytes: missing * SHARD_BYTES,
      freeBytes: space?.freeBytes ?? null,
      totalBytes: space?.totalBytes ?? null,
    }
  }

  /** Throws `STORAGE_REMOTE_FOREIGN`, `STORAGE_REMOTE_ABSENT`, `VALIDATION_LIMIT`. */
  async add(path: string): Promise<RemoteFigures> {
    await this.#session.parts.remotes.add(path)
    return this.figures(path)
  }

  /** Its files stay. Throws `STORAGE_REMOTE_LAST_COPY` unless forced. */
  remove(name: string, force: boolean): string {
    return this.#session.parts.remotes.remove(name, force).path
  }

  /** Looks which are there. A directory that hangs is not waited for. */
  look(): Promise<void> {
    return this.#session.parts.remotes.look()
  }

  /** Heads that lie on one that is there, of all devices, unverified; none where they cannot be read. */
  async heads(name: string): Promise<FoundHead[]> {
    const { remotes } = this.#session.parts
    const { remote } = remotes.find(name)
    try {
      return await remote.directory.heads()
    } catch (error) {
      remotes.failed(remote, error)
      return []
    }
  }

  /** Whether a remote that is there lacks something. */
  due(): boolean {
    return this.#due().length > 0
  }

  /** Copies what remotes lack, one remote after the other. Returns the number of shards copied. */
  async mirror(signal: AbortSignal): Promise<number> {
    const mirror = new Mirror(this.#session, signal)
    for (const remote of this.#due()) await mirror.run(remote)
    return mirror.copied
  }

  /** Ends with a summary. Throws `STORAGE_NOT_FOUND`, `STORAGE_REMOTE_ABSENT`. */
  test(name: string, all: boolean, signal: AbortSignal): AsyncGenerator<RemoteTestEvent> {
    const { parts } = this.#session
    const events = new EventStream<RemoteTestEvent>(parts.clock, parts.options.progressEveryMs)
    return events.run(signal, async (inner) => {
      await parts.remotes.look()
      return new RemoteTest(parts, parts.remotes.find(name), { events, signal: inner, all }).run()
    })
  }

  /**
   * Puts onto a disk what a host should hold and has not signed for, to be carried there. What was sealed gets its stripes
   * first, unless a backup is long under way. Throws `STORAGE_REMOTE_FOREIGN`, `STORAGE_REMOTE_ABSENT`.
   */
  seed(request: SeedRequest, signal: AbortSignal): AsyncGenerator<SeedEvent> {
    const session = this.#session
    const { clock, options } = session.parts
    const events = new EventStream<SeedEvent>(clock, options.progressEveryMs)
    return events.run(signal, async (inner) => {
      await this.#describe(inner)
      return new SeedWriter(session, request, { events, signal: inner }).run()
    })
  }

  /** Whoever writes is waited for a while: placing what waits ends soon, a large backup does not. */
  async #describe(signal: AbortSignal): Promise<void> {
    const session = this.#session
    const limit = deadline(session.parts.clock, DESCRIBE_WAIT_MS, signal)
    try {
      await session.exclusive(limit.signal, () => session.describe(signal))
    } catch (error) {
      signal.throwIfAborted()
      if (!limit.signal.aborted) throw error
    } finally {
      limit.clear()
    }
  }

  #due(): Remote[] {
    const { remotes, catalogue } = this.#session.parts
    if (catalogue.snapshots.count() === 0 && catalogue.heads.newest() === undefined) return []
    const rows = new Map(remotes.rows().map((row) => [row.no, row]))
    return remotes.writable().filter(({ no }) => {
      const row = rows.get(no)
      return row !== undefined && !this.#complete(row)
    })
  }

  #info(row: RemoteRow, { state, reason }: Remote): RemoteInfo {
    const { path, added, seen, completed, headSeq } = row
    return {
      id: toHex(row.id),
      ...{ path, state, reason, added, seen, completed, headSeq },
      complete: this.#complete(row),
    }
  }

  #complete({ revision, headSeq }: RemoteRow): boolean {
    const { catalogue } = this.#session.parts
    return revision === catalogue.revision && headSeq === catalogue.heads.newest()?.seq
  }
}

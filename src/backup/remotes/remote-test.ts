/**
 * Tries a remote: writes, syncs, reads, counts free space, and checks shards that lie there against their ids, a sample or
 * all. Invariant: nothing stays of the test; a shard found missing or damaged is copied again.
 */
import { join } from 'node:path'
import { MiB, toHex } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import { SHARD_BYTES } from '../../shard/index.ts'
import type { RemoteRow, RemoteShard } from '../catalogue/remote-rows.ts'
import type { EventStream } from '../events.ts'
import type { Parts } from '../parts.ts'
import type { Progress } from '../requests.ts'
import { requireThere } from './mirror.ts'
import type { Remote } from './remote-book.ts'

export interface RemoteTestSummary {
  readonly type: 'summary'
  readonly remote: string
  readonly path: string
  readonly ok: boolean
  /** Shards read and compared with their ids. */
  readonly checked: number
  readonly bad: readonly { readonly shard: string; readonly why: 'missing' | 'corrupt' }[]
  readonly missing: number
  readonly writeBytesPerSecond: number
  /** Null where no shard lies there yet. */
  readonly readBytesPerSecond: number | null
  /** Of one MiB written and synced, median. */
  readonly syncMs: number
  readonly freeBytes: number
  readonly totalBytes: number
  readonly seconds: number
}

export type RemoteTestEvent = Progress | RemoteTestSummary

const SAMPLE = 64
const WRITES = 16
const PAGE = 64
const READS_AT_ONCE = 2
const MAX_BAD = 1000

export class RemoteTest {
  readonly #parts: Parts
  readonly #at: { readonly row: RemoteRow; readonly remote: Remote }
  readonly #run: { readonly events: EventStream<RemoteTestEvent>; readonly signal: AbortSignal; readonly all: boolean }
  readonly #bad: { shard: string; why: 'missing' | 'corrupt' }[] = []
  #checked = 0
  #total = 0

  constructor(
    parts: Parts,
    at: { row: RemoteRow; remote: Remote },
    run: { events: EventStream<RemoteTestEvent>; signal: AbortSignal; all: boolean },
  ) {
    this.#parts = parts
    this.#at = at
    this.#run = run
  }

  /** Throws `STORAGE_REMOTE_ABSENT`, `STORAGE_REMOTE_FULL` and what else the disk throws. */
  async run(): Promise<RemoteTestSummary> {
    const { catalogue, clock } = this.#parts
    const { row, remote } = this.#at
    requireThere(remote)
    const begun = clock.elapsed()
    const { held, missing } = catalogue.remotes.counts(row.no)
    this.#total = this.#run.all ? held : Math.min(SAMPLE, held)
    const times = await this.#write()
    const readMs = await this.#read()
    const { freeBytes, totalBytes } = await remote.directory.space()
    return {
      type: 'summary',
      ...{ remote: toHex(row.id), path: row.path, checked: this.#checked, bad: this.#bad },
      ok: this.#bad.length === 0,
      missing,
      writeBytesPerSecond: perSecond(times.length * MiB, sum(times)),
      readBytesPerSecond: this.#checked === 0 ? null : perSecond(this.#checked * SHARD_BYTES, readMs),
      syncMs: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0,
      ...{ freeBytes, totalBytes },
      seconds: (clock.elapsed() - begun) / 1000,
    }
  }

  /** Milliseconds of each MiB, written and synced. */
  async #write(): Promise<number[]> {
    const { disk, random, clock } = this.#parts
    const path = join(this.#at.row.path, `test-${toHex(random.bytes(6))}.tmp`)
    const bytes = random.bytes(MiB)
    const times: number[] = []
    const file = await disk.open(path, 'create')
    try {
      for (let i = 0; i < WRITES; i++) {
        this.#run.signal.throwIfAborted()
        const begun = clock.elapsed()
        await file.write(bytes, i * MiB)
        await file.sync()
        times.push(clock.elapsed() - begun)
      }
      return times
    } catch (error) {
      if (toPlexiError(error).code !== 'STORAGE_DISK_FULL') throw error
      throw new PlexiError('STORAGE_REMOTE_FULL', { path: this.#at.row.path }, { cause: error })
    } finally {
      await file.close().catch(() => undefined)
      await disk.unlink(path)
    }
  }

  /** Milliseconds spent on all of them. */
  async #read(): Promise<number> {
    const { catalogue, clock } = this.#parts
    const { no } = this.#at.row
    const begun = clock.elapsed()
    if (!this.#run.all) await this.#check(catalogue.remotes.sample(no, SAMPLE))
    let after: Uint8Array = new Uint8Array(0)
    while (this.#run.all) {
      const page = catalogue.remotes.held(no, after, PAGE)
      const last = page.at(-1)
      if (last === undefined) break
      after = last.id
      await this.#check(page)
    }
    return clock.elapsed() - begun
  }

  async #check(shards: readonly RemoteShard[]): Promise<void> {
    const gone: number[] = []
    await mapBounded(shards, READS_AT_ONCE, async ({ no, id }) => {
      this.#run.signal.throwIfAborted()
      const why = await this.#fault(id)
      this.#checked++
      this.#progress()
      if (why === undefined) return
      gone.push(no)
      if (this.#bad.length < MAX_BAD) this.#bad.push({ shard: toHex(id), why })
    })
    if (gone.length === 0) return
    const { catalogue } = this.#parts
    catalogue.commit(() => {
      catalogue.remotes.dropShards(this.#at.row.no, gone)
      catalogue.remotes.setIncomplete(this.#at.row.no)
    })
  }

  async #fault(id: RemoteShard['id']): Promise<'missing' | 'corrupt' | undefined> {
    try {
      return (await this.#at.remote.directory.read(id)) === undefined ? 'missing' : undefined
    } catch (error) {
      if (toPlexiError(error).code !== 'STORAGE_SHARD_CORRUPT') throw error
      return 'corrupt'
    }
  }

  #progress(): void {
    const [filesDone, filesTotal] = [this.#checked, this.#total]
    this.#run.events.progress(() => ({
      type: 'progress',
      ...{ filesDone, filesTotal, totalKnown: true },
      bytesDone: filesDone * SHARD_BYTES,
      bytesTotal: filesTotal * SHARD_BYTES,
    }))
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function perSecond(bytes: number, ms: number): number {
  return Math.round((bytes / Math.max(1, ms)) * 1000)
}

/**
 * Opening a database for reading one state of it. A quiet one is read where it is; one that may be in use is copied
 * first. Invariant: what is read is one committed state, or `settled` says that it is not.
 *
 * Quiet: no -wal, -shm or -journal beside it, not written to for two seconds, and not locked. Whoever writes to it
 * afterwards changes its times, or makes one of those files: so the same look after reading tells.
 */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { MiB, toHex } from '../../../base/bytes.ts'
import type { Clock } from '../../../base/clock.ts'
import { SECOND } from '../../../base/clock.ts'
import type { Disk, DiskFile, DiskStat } from '../../../base/disk.ts'
import type { Random } from '../../../base/random.ts'
import { hasChanged, openSource } from '../read-file.ts'
import { join as joinName, type WalkEntry } from '../walk.ts'
import { companionSuffixes, type DatabaseHeader } from './database-header.ts'
import { copyOnline } from './online-copy.ts'

export interface DatabaseDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  /** Directory for copies. */
  readonly cache: string
  readonly signal: AbortSignal
}

export interface OpenDatabase {
  readonly file: DiskFile
  readonly size: number
  /** After reading: whether that was one state. */
  settled(): Promise<boolean>
  close(): Promise<void>
}

/** Why there is no copy: it is no readable database, somebody keeps it locked, or there is no room for one. */
export interface NoCopy {
  readonly why: 'unreadable' | 'locked' | 'room'
  readonly reason: string
}

/** Times of files are counted in steps of a few milliseconds; two writes in one step look like one. */
const QUIET_MS = 2 * SECOND
/** Left free on the disk of the copy. */
const SPARE_BYTES = 64 * MiB
const COPY_NAME = /^database-[0-9a-f]{16}(-journal|-wal|-shm)?$/

/** Removes copies that a crash left behind. */
export async function removeOldCopies(disk: Disk, cache: string): Promise<void> {
  for (const name of await disk.readdir(cache)) {
    const text = name.toString('latin1')
    if (COPY_NAME.test(text)) await disk.unlink(join(cache, text))
  }
}

/** Names beside the database, of those that belong to it. */
export async function companionsOf(disk: Disk, path: Uint8Array): Promise<DiskStat[]> {
  const found: DiskStat[] = []
  for (const suffix of companionSuffixes) {
    const stat = await disk.stat(Buffer.concat([path, Buffer.from(suffix)]))
    if (stat !== undefined) found.push(stat)
  }
  return found
}

export class DatabaseSource {
  readonly #deps: DatabaseDeps

  constructor(deps: DatabaseDeps) {
    this.#deps = deps
  }

  /** Whether it may be read where it is. */
  async isQuiet(entry: WalkEntry, header: DatabaseHeader): Promise<boolean> {
    const { disk, clock } = this.#deps
    const age = clock.now() - Number(entry.stat.mtimeNs / 1_000_000n)
    if (age < QUIET_MS || (await companionsOf(disk, entry.path)).length > 0) return false
    // With a log every user makes a -wal file; opening it to look would make one, too.
    return header.wal || isUnlocked(entry.path)
  }

  /** Throws like opening any file. */
  async inPlace(entry: WalkEntry): Promise<OpenDatabase> {
    const { disk } = this.#deps
    const { file, stat } = await openSource(disk, entry)
    return {
      file,
      size: stat.size,
      settled: async () => {
        const after = await file.stat()
        const same = (a: DiskStat, b: DiskStat): boolean => !hasChanged(a, b) && a.ctimeNs === b.ctimeNs
        return same(entry.stat, stat) && same(stat, after) && (await companionsOf(disk, entry.path)).length === 0
      },
      close: () => file.close(),
    }
  }

  /** The copy is removed when it is closed. */
  async copied(entry: WalkEntry): Promise<OpenDatabase | NoCopy> {
    const { disk, random, cache, signal } = this.#deps
    const lack = await this.#lackOfRoom(entry)
    if (lack !== undefined) return { why: 'room', reason: lack }
    const name = `database-${toHex(random.bytes(8))}`
    const path = join(cache, name)
    const remove = async (): Promise<void> => {
      for (const suffix of ['', ...companionSuffixes]) await disk.unlink(`${path}${suffix}`)
    }
    try {
      const copy = await copyOnline(entry.path, path, { signal })
      if (!copy.ok) {
        await remove()
        return noCopy(copy.code, copy.message)
      }
      const { file, stat } = await openSource(disk, await copyEntry(disk, cache, name))
      const close = async (): Promise<void> => {
        await file.close()
        await remove()
      }
      return { file, size: stat.size, settled: () => Promise.resolve(true), close }
    } catch (error) {
      await remove()
      throw error
    }
  }

  /** In words; undefined where there is room for a copy of it and its log. */
  async #lackOfRoom(entry: WalkEntry): Promise<string | undefined> {
    const { disk, cache } = this.#deps
    const beside = (await companionsOf(disk, entry.path)).reduce((sum, stat) => sum + stat.size, 0)
    const needed = entry.stat.size + beside + SPARE_BYTES
    const { freeBytes } = await disk.space(cache)
    if (freeBytes >= needed) return undefined
    const mib = (bytes: number): string => `${String(Math.ceil(bytes / MiB))} MiB`
    return `it is in use and a copy of it needs ${mib(needed)} in ${cache}, where ${mib(freeBytes)} are free`
  }
}

function noCopy(code: string, reason: string): NoCopy {
  if (code.startsWith('SQLITE_BUSY')) return { why: 'locked', reason: 'another program keeps it locked' }
  return { why: code === 'SQLITE_FULL' ? 'room' : 'unreadable', reason }
}

async function copyEntry(disk: Disk, cache: string, name: string): Promise<WalkEntry> {
  const path = joinName(Buffer.from(cache), Buffer.from(name))
  const stat = await disk.stat(path)
  if (stat === undefined) throw new Error('the copy of a database vanished')
  return { name: Buffer.from(name), path, stat }
}

/** Nobody is in the middle of writing: a lock to read is to be had at once. */
function isUnlocked(path: Buffer): boolean {
  try {
    const database = new Database(String(path), { readonly: true, timeout: 0 })
    try {
      database.prepare('SELECT count(*) FROM sqlite_schema').get()
      return true
    } finally {
      database.close()
    }
  } catch {
    return false
  }
}

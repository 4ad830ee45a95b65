/**
 * Files that are SQLite databases: found by their first bytes, read as one state, stored by pages.
 * Spec: docs/spec/04-snapshot-and-head.md § Databases. Invariant: what cannot be opened as a database is an ordinary
 * file, its -wal, -shm and -journal included; only beside a copy are those left out.
 */
import { view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Parts } from '../parts.ts'
import { nameText } from '../sources/excludes.ts'
import { openSource } from '../sources/read-file.ts'
import type { WalkEntry } from '../sources/walk.ts'
import { CatalogueMap } from '../sources/sqlite/catalogue-map.ts'
import { companionSuffixes, HEADER_BYTES, readHeader, type DatabaseHeader } from '../sources/sqlite/database-header.ts'
import { DatabaseSource, type OpenDatabase } from '../sources/sqlite/database-source.ts'
import { PageWriter, type PageStore } from '../sources/sqlite/page-writer.ts'
import { reasonOf } from '../sources/reason.ts'
import type { Counters } from './counters.ts'
import type { Written } from './written.ts'

interface Deps {
  readonly parts: Parts
  readonly store: PageStore
  readonly counters: Counters
  readonly walk: { readonly signal: AbortSignal }
  readonly save: boolean
  readonly progress: () => void
  readonly leaveOut: (path: string, reason: string) => void
}

export class DatabaseWriter {
  readonly #deps: Deps
  readonly #source: DatabaseSource
  /** Names of databases in the directory at hand that were copied, while files that begin with them are to come. */
  #copied: { parent: string; name: string }[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    const { disk, clock, random, home } = deps.parts
    this.#source = new DatabaseSource({ disk, clock, random, cache: home.cache, signal: deps.walk.signal })
  }

  /** Whether the copy of a database makes this file superfluous. Files come in the order of their names. */
  isCompanion(item: WalkEntry): boolean {
    if (this.#copied.length === 0) return false
    const { parent, name } = split(item)
    this.#copied = this.#copied.filter((copied) => copied.parent === parent && name.startsWith(copied.name))
    return this.#copied.some((copied) => companionSuffixes.some((suffix) => name === copied.name + suffix))
  }

  /** Undefined for what is to be read like any file. Throws for a database that was asked for by name. */
  async write(item: WalkEntry, asked: boolean): Promise<Written | undefined> {
    const header = await this.#header(item)
    if (header === undefined) {
      if (asked) throw unreadable(item, 'it is not a SQLite database, or cannot be read')
      return undefined
    }
    if (await this.#source.isQuiet(item, header)) {
      if (item.stat.size <= this.#deps.parts.options.chunk.maxBytes) return undefined
      const written = await this.#inPlace(item, header)
      if (written !== undefined) return written
    }
    return this.#copy(item, header, asked)
  }

  async #header(item: WalkEntry): Promise<DatabaseHeader | undefined> {
    if (item.stat.size < HEADER_BYTES) return undefined
    try {
      const { file } = await openSource(this.#deps.parts.disk, item)
      try {
        const start = Buffer.alloc(HEADER_BYTES)
        return (await file.read(start, 0)) < HEADER_BYTES ? undefined : readHeader(start)
      } finally {
        await file.close()
      }
    } catch {
      // Whoever reads it like any file will say why it cannot be read.
      return undefined
    }
  }

  /** Undefined when somebody wrote to it meanwhile. */
  async #inPlace(item: WalkEntry, header: DatabaseHeader): Promise<Written | undefined> {
    let database: OpenDatabase
    try {
      database = await this.#source.inPlace(item)
    } catch (error) {
      return { error: reasonOf(error) }
    }
    return this.#pages({ item, header, database })
  }

  async #copy(item: WalkEntry, header: DatabaseHeader, asked: boolean): Promise<Written | undefined> {
    const copy = await this.#source.copied(item)
    if ('file' in copy) {
      const written = await this.#pages({ item, header, database: copy })
      this.#copied.push(split(item))
      return written
    }
    const { why, reason } = copy
    if (asked) throw unreadable(item, reason)
    if (why === 'room') return { error: reason }
    const note =
      why === 'locked'
        ? `a SQLite database, but ${reason}: stored like any file, maybe in the middle of a change`
        : `looks like a SQLite database but cannot be opened as one (${reason}): stored like any file`
    this.#deps.leaveOut(nameText(item.path), note)
    return undefined
  }

  async #pages(of: { item: WalkEntry; header: DatabaseHeader; database: OpenDatabase }): Promise<Written | undefined> {
    const { item, header, database } = of
    const { parts, store, counters, progress, walk, save } = this.#deps
    const { pageBytes } = header
    const map = new CatalogueMap({ path: item.path, pageBytes, save }, parts)
    const { file, size } = database
    const read = new GuardedReader((into, position) => file.read(into, position))
    const before = counters.bytesDone
    const writer = new PageWriter(
      { size, pageBytes, read: (into, position) => read.read(into, position) },
      {
        ...{ store, map, kernel: parts.kernel, signal: walk.signal },
        progress: (bytes) => {
          counters.bytesDone += bytes
          progress()
        },
      },
    )
    try {
      const written = await writer.write()
      if (written.size !== size || !(await database.settled())) {
        counters.bytesDone = before
        return undefined
      }
      map.finish(writer.segments)
      return { ...written, changed: false }
    } catch (error) {
      if (read.failure !== error || walk.signal.aborted) throw error
      return { error: reasonOf(error) }
    } finally {
      await database.close()
    }
  }
}

/** Remembers its failure, to tell it from failures to store. */
class GuardedReader {
  readonly #read: (into: Uint8Array, position: number) => Promise<number>
  failure: unknown

  constructor(read: (into: Uint8Array, position: number) => Promise<number>) {
    this.#read = read
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    try {
      return await this.#read(into, position)
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

function unreadable(item: WalkEntry, reason: string): PlexiError {
  return new PlexiError('STORAGE_SOURCE_UNREADABLE', { path: nameText(item.path), reason })
}

/** Byte by byte, so that names of any kind compare. */
function split({ path, name }: WalkEntry): { parent: string; name: string } {
  const parent = path.subarray(0, path.length - name.length).toString('latin1')
  return { parent, name: view(name).toString('latin1') }
}

/**
 * Files that may be exports of chats or dumps of databases: stored byte by byte like any file, and looked at on the way.
 * Zip archives are cut at their members. Spec: docs/spec/04-snapshot-and-head.md § Archives.
 */
import { PlexiError } from '../../base/errors.ts'
import type { DiskFile } from '../../base/disk.ts'
import { Chunker } from '../../shard/index.ts'
import type { Parts } from '../parts.ts'
import type { ExportFound } from '../requests.ts'
import { cutAt } from '../sources/cut-at.ts'
import type { Fill } from '../sources/fill.ts'
import { nameText } from '../sources/excludes.ts'
import { CUT_OFF, START_BYTES, type Counted, type ExportReader } from '../sources/exports/export-reader.ts'
import { isArchiveName, recognise, recogniseZip, zipAppByName } from '../sources/exports/recognise.ts'
import { openZip, type ZipArchive } from '../sources/exports/zip-archive.ts'
import { hasChanged, openSource } from '../sources/read-file.ts'
import type { PageStore } from '../sources/sqlite/page-writer.ts'
import { reasonOf } from '../sources/reason.ts'
import type { WalkEntry } from '../sources/walk.ts'
import { ContentBuilder } from '../tree/list-builder.ts'
import type { Counters } from './counters.ts'
import { pushExtents } from './extents.ts'
import type { Written, WrittenContent } from './written.ts'

interface Deps {
  readonly parts: Parts
  readonly store: Pick<PageStore, 'putPieces' | 'putObject'>
  readonly counters: Counters
  readonly signal: AbortSignal
  readonly progress: () => void
  readonly found: (found: ExportFound) => void
}

const MAX_WARNINGS = 8
/** The first bytes of a zip archive. */
const ZIP_MAGIC = 0x504b0304
const nowhere = new Float64Array(0)

export class ExportWriter {
  readonly #deps: Deps
  #chunker: Chunker | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Undefined for what is no archive: nothing of it was stored. */
  async write(item: WalkEntry): Promise<Written | undefined> {
    if (item.stat.size === 0 || !isArchiveName(nameText(item.name))) return undefined
    const start = await this.#start(item)
    if (start?.readUInt32BE(0) !== ZIP_MAGIC) return undefined
    return this.#read(item, (file) => this.#archive(item, file))
  }

  /** Looks at a file that is at hand as a whole. */
  look(path: string, bytes: Uint8Array): void {
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const form = recognise(path, whole)
    if (form === undefined) return
    form.reader.take(whole)
    this.#tell(path, form.app, form.reader.end())
  }

  /** Looks at a stream as it is read. `done` tells what was found when it has ended. */
  watch(path: string, fill: Fill): { fill: Fill; done: () => void } {
    let form: ReturnType<typeof recognise>
    let begun = false
    return {
      fill: async (into) => {
        const count = await fill(into)
        const bytes = Buffer.from(into.buffer, into.byteOffset, count)
        if (!begun && count > 0) form = recognise(path, bytes)
        begun ||= count > 0
        form?.reader.take(bytes)
        return count
      },
      done: () => {
        if (form !== undefined) this.#tell(path, form.app, form.reader.end())
      },
    }
  }

  /** Undefined where it cannot be read: whoever reads it like any file will say why. */
  async #start(item: WalkEntry): Promise<Buffer | undefined> {
    try {
      const { file } = await openSource(this.#deps.parts.disk, item)
      try {
        const bytes = Buffer.alloc(START_BYTES)
        const count = await file.read(bytes, 0)
        return count < 4 ? undefined : bytes.subarray(0, count)
      } finally {
        await file.close()
      }
    } catch {
      return undefined
    }
  }

  async #read(item: WalkEntry, store: (file: DiskFile) => Promise<Stored>): Promise<Written> {
    try {
      const { file, stat } = await openSource(this.#deps.parts.disk, item)
      try {
        const stored = await store(file)
        return { ...stored, changed: hasChanged(item.stat, stat) || hasChanged(stat, await file.stat()) }
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error
      return { error: reasonOf(error.cause) }
    }
  }

  async #archive(item: WalkEntry, file: DiskFile): Promise<Stored> {
    const name = nameText(item.name)
    const archive = await openZip(file, item.stat.size)
    const stored = await this.#store(file, archive?.places ?? nowhere)
    if (archive === undefined) {
      const app = zipAppByName(name)
      if (app !== undefined) this.#tell(nameText(item.path), app, { messages: null, warnings: [CUT_OFF] })
      return stored
    }
    const form = recogniseZip(archive.members.map((member) => member.name))
    if (form !== undefined)
      this.#tell(nameText(item.path), form.app, await countMembers(archive, form.reader, this.#deps.signal))
    return stored
  }

  async #store(file: DiskFile, places: Float64Array): Promise<Stored> {
    const { parts, store, counters, progress, signal } = this.#deps
    const chunker = (this.#chunker ??= new Chunker(parts.options.chunk, parts.keys.shared.chunker))
    const builder = new ContentBuilder(store)
    const sizes = { blockBytes: parts.options.readBlockBytes, maxBytes: parts.options.chunk.maxBytes }
    let position = 0
    const fill: Fill = async (into) => {
      const count = await file.read(into, position).catch((error: unknown) => {
        throw new SourceFailure(error)
      })
      position += count
      return count
    }
    let size = 0
    for await (const { slab, lengths } of cutAt(places, { chunker, fill }, sizes)) {
      signal.throwIfAborted()
      const bytes = new Uint8Array(new SharedArrayBuffer(slab.length))
      bytes.set(slab)
      const pieces = await parts.kernel.run('name', { bytes, lengths: Uint32Array.from(lengths) })
      await store.putPieces(bytes, pieces)
      await pushExtents(pieces, builder)
      size += slab.length
      counters.bytesDone += slab.length
      progress()
    }
    const content = await builder.finish()
    return { content, remembered: builder.remembered(content), size }
  }

  #tell(path: string, app: string, { messages, warnings }: Counted): void {
    this.#deps.found({ path, app, messages, warnings: warnings.slice(0, MAX_WARNINGS) })
  }
}

type Stored = Omit<WrittenContent, 'changed'>

/** Reading the source failed, not storing it. */
class SourceFailure extends Error {
  constructor(cause: unknown) {
    super('the source cannot be read', { cause })
  }
}

/** What the members hold together. A member that cannot be unpacked is a warning. */
async function countMembers(
  archive: ZipArchive,
  form: { member(name: string): ExportReader | undefined; warnings: readonly string[] },
  signal: AbortSignal,
): Promise<Counted> {
  let messages = 0
  const warnings = [...form.warnings]
  for (const member of archive.members) {
    const reader = form.member(member.name)
    if (reader === undefined) continue
    signal.throwIfAborted()
    try {
      for await (const piece of (await archive.content(member)) as AsyncIterable<Buffer>) reader.take(piece)
      const counted = reader.end()
      messages += counted.messages ?? 0
      for (const warning of counted.warnings)
        if (warnings.length < MAX_WARNINGS) warnings.push(`${member.name}: ${warning}`)
    } catch (error) {
      if (error instanceof PlexiError || signal.aborted) throw error
      if (warnings.length < MAX_WARNINGS) warnings.push(`${member.name}: cannot be unpacked (${reasonOf(error)})`)
    }
  }
  return { messages, warnings }
}

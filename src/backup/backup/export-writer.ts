/**
 * Files that may be exports of chats or dumps of databases: stored byte by byte like any file, and looked at on the way.
 * Zip archives are cut at their members. Spec: docs/spec/04-snapshot-and-head.md § Archives.
 */
import { PlexiError } from '../../base/errors.ts'
import type { DiskFile } from '../../base/disk.ts'
import type { Chunker } from '../../shard/index.ts'
import type { Parts } from '../parts.ts'
import type { ExportFound } from '../requests.ts'
import { cutAt } from '../sources/cut-at.ts'
import type { Fill } from '../sources/cut.ts'
import { nameText } from '../sources/excludes.ts'
import { CUT_OFF, START_BYTES, type Counted, type ExportReader } from '../sources/exports/export-reader.ts'
import { maybeExport, recognise, recogniseZip, zipAppByName } from '../sources/exports/recognise.ts'
import { openZip, type ZipArchive } from '../sources/exports/zip-archive.ts'
import { hasChanged, openSource, type AheadItem } from '../sources/read-file.ts'
import type { PageStore } from '../sources/sqlite/page-writer.ts'
import { reasonOf } from '../sources/reason.ts'
import { ContentBuilder } from '../tree/list-builder.ts'
import type { Counters } from './counters.ts'
import type { Written } from './written.ts'

type FileItem = Extract<AheadItem, { type: 'file' }>

interface Deps {
  readonly parts: Parts
  readonly store: Pick<PageStore, 'putPieces' | 'putObject'>
  readonly counters: Counters
  readonly chunker: Chunker
  readonly signal: AbortSignal
  readonly progress: () => void
  readonly found: (found: ExportFound) => void
}

const MAX_WARNINGS = 8
const nowhere = new Float64Array(0)

export class ExportWriter {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Undefined for what is no export and no archive: nothing of it was stored. */
  async write(item: FileItem): Promise<Written | undefined> {
    const name = nameText(item.name)
    if (item.stat.size === 0 || !maybeExport(name)) return undefined
    const start = await this.#start(item)
    if (start === undefined) return undefined
    const zip = start.readUInt32BE(0) === 0x504b0304
    const form = zip ? undefined : recognise(name, start)
    if (!zip && form === undefined) return undefined
    return this.#read(item, async (file) => {
      if (form !== undefined) return this.#whole(item, file, form)
      return this.#archive(item, file)
    })
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
  async #start(item: FileItem): Promise<Buffer | undefined> {
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

  async #read(item: FileItem, store: (file: DiskFile) => Promise<Stored>): Promise<Written> {
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

  async #whole(item: FileItem, file: DiskFile, form: { app: string; reader: ExportReader }): Promise<Stored> {
    const stored = await this.#store(file, nowhere, form.reader)
    this.#tell(nameText(item.path), form.app, form.reader.end())
    return stored
  }

  async #archive(item: FileItem, file: DiskFile): Promise<Stored> {
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

  async #store(file: DiskFile, places: Float64Array, reader?: ExportReader): Promise<Stored> {
    const { parts, store, counters, progress, signal, chunker } = this.#deps
    const builder = new ContentBuilder(store)
    const sizes = { blockBytes: parts.options.readBlockBytes, maxBytes: parts.options.chunk.maxBytes }
    let position = 0
    const fill: Fill = async (into) => {
      const count = await file.read(into, position).catch((error: unknown) => {
        throw new SourceFailure(error)
      })
      position += count
      reader?.take(Buffer.from(into.buffer, into.byteOffset, count))
      return count
    }
    let size = 0
    for await (const { slab, lengths } of cutAt(places, { chunker, fill }, sizes)) {
      signal.throwIfAborted()
      const ids = await store.putPieces(slab, lengths)
      for (const [i, chunk] of ids.entries()) await builder.push({ chunk, from: 0, length: lengths[i] ?? 0 })
      size += slab.length
      counters.bytesDone += slab.length
      progress()
    }
    return { content: await builder.finish(), size }
  }

  #tell(path: string, app: string, { messages, warnings }: Counted): void {
    this.#deps.found({ path, app, messages, warnings: warnings.slice(0, MAX_WARNINGS) })
  }
}

type Stored = Pick<Extract<Written, { size: number }>, 'content' | 'size'>

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

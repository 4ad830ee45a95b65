/**
 * A zip file read where it lies: its members in the order of their places, and their content as streams.
 * Invariant: at most a million members are looked at, and no more of a member is unpacked than it says it holds.
 */
import { Readable } from 'node:stream'
import yauzl from 'yauzl'
import type { DiskFile } from '../../../base/disk.ts'

const MAX_MEMBERS = 1_000_000
const READ_BYTES = 256 * 1024

export interface ZipMember {
  readonly name: string
  readonly entry: yauzl.Entry
}

export interface ZipArchive {
  readonly members: readonly ZipMember[]
  /** Where local headers and the central directory begin, ascending. */
  readonly places: Float64Array
  content(member: ZipMember): Promise<Readable>
}

/** Undefined where it has no central directory that can be read, or too many members. */
export async function openZip(file: DiskFile, size: number): Promise<ZipArchive | undefined> {
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(new FileReader(file), size, {
      autoClose: false,
      decodeStrings: false,
    })
    if (zip.entryCount > MAX_MEMBERS) return undefined
    const places: number[] = [Number(zip.readEntryCursor)]
    const members: ZipMember[] = []
    for await (const entry of zip.eachEntry()) {
      places.push(entry.relativeOffsetOfLocalHeader)
      members.push({ name: (entry.fileName as unknown as Buffer).toString('utf8'), entry })
    }
    const inside = places.filter((place) => place >= 0 && place < size)
    return {
      members,
      places: new Float64Array(new Set(inside)).sort(),
      content: (member) => zip.openReadStreamPromise(member.entry),
    }
  } catch {
    return undefined
  }
}

class FileReader extends yauzl.RandomAccessReader {
  readonly #file: DiskFile

  constructor(file: DiskFile) {
    super()
    this.#file = file
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(pieces(this.#file, start, end), { objectMode: false })
  }
}

async function* pieces(file: DiskFile, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const piece = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at))
    const count = await file.read(piece, at)
    if (count === 0) return
    at += count
    yield piece.subarray(0, count)
  }
}

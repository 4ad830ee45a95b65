/**
 * mongodump's archive: a magic number, descriptions, then blocks of documents of one collection, each begun by a header
 * and ended by −1. Source: github.com/mongodb/mongo-tools, archive package
 */
import { CUT_OFF, type ExportForm, type ExportReader } from './export-reader.ts'

const MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81])
const TERMINATOR = -1
/** The largest document of MongoDB, and a little more. */
const MAX_DOCUMENT_BYTES = 17 * 1024 * 1024
const LENGTH_BYTES = 4

export const mongodb: ExportForm = {
  app: 'mongodb',
  open: ({ bytes }) => (bytes.subarray(0, MAGIC.length).equals(MAGIC) ? new ArchiveReader() : undefined),
}

/** Hops from length to length. */
class ArchiveReader implements ExportReader {
  #messages = 0
  /** Bytes to leave out before the next length. */
  #skip = MAGIC.length
  #length = Buffer.alloc(0)
  #inPrelude = true
  /** The next document is a block's header. */
  #atHeader = false
  #sound = true

  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length && this.#sound) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at)
        this.#skip -= step
        at += step
        continue
      }
      const taken = bytes.subarray(at, at + LENGTH_BYTES - this.#length.length)
      this.#length = Buffer.concat([this.#length, taken])
      at += taken.length
      if (this.#length.length < LENGTH_BYTES) continue
      this.#item(this.#length.readInt32LE(0))
      this.#length = Buffer.alloc(0)
    }
  }

  end(): ReturnType<ExportReader['end']> {
    const whole = this.#sound && this.#skip === 0 && this.#length.length === 0 && this.#atHeader
    return { messages: this.#messages, warnings: whole ? [] : [CUT_OFF] }
  }

  #item(length: number): void {
    if (length === TERMINATOR) {
      this.#inPrelude = false
      this.#atHeader = true
      return
    }
    if (length <= LENGTH_BYTES || length > MAX_DOCUMENT_BYTES) {
      this.#sound = false
      return
    }
    this.#skip = length - LENGTH_BYTES
    if (!this.#inPrelude && !this.#atHeader) this.#messages++
    this.#atHeader = false
  }
}

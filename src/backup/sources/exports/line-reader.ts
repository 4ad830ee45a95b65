/** Readers of exports that are lines of text. Memory: the first bytes of the line at hand. */
import type { ExportReader } from './export-reader.ts'

export interface Line {
  /** The line's first bytes, at most 512. */
  readonly start: Buffer
  /** Its last byte, 0 for an empty one. */
  readonly last: number
}

const MAX_START = 512
const NEWLINE = 0x0a
const RETURN = 0x0d

/** `line` sees each; `end` gives what was counted, with the last line that was not empty. */
export function lineReader(from: { line: (line: Line) => void; end: ExportReader['end'] }): ExportReader {
  const kept = Buffer.alloc(MAX_START)
  let length = 0
  let last = 0
  const add = (bytes: Buffer): void => {
    bytes.copy(kept, length, 0, Math.min(bytes.length, MAX_START - length))
    length = Math.min(MAX_START, length + bytes.length)
    const end = bytes.at(-1) === RETURN ? bytes.at(-2) : bytes.at(-1)
    last = end ?? last
  }
  const flush = (): void => {
    from.line({ start: kept.subarray(0, length), last })
    length = 0
    last = 0
  }
  return {
    take(bytes) {
      let at = 0
      for (let next = bytes.indexOf(NEWLINE); next >= 0; next = bytes.indexOf(NEWLINE, at)) {
        add(bytes.subarray(at, next))
        flush()
        at = next + 1
      }
      add(bytes.subarray(at))
    },
    end() {
      if (length > 0) flush()
      return from.end()
    },
  }
}

/** Readers of exports with one JSON object a line. */
import { CUT_OFF, type ExportReader } from './export-reader.ts'
import { lineReader } from './line-reader.ts'

const CLOSING_BRACE = 0x7d

/** Counts lines that begin with one of `starts`; all of them where none is named. */
export function jsonLines(starts: readonly string[] = []): ExportReader {
  const wanted = starts.map((start) => Buffer.from(start))
  let messages = 0
  let whole = true
  return lineReader({
    line({ start, last }) {
      if (start.length === 0 || (start.length === 1 && start[0] === 0x0d)) return
      whole = last === CLOSING_BRACE
      if (wanted.length === 0 || wanted.some((prefix) => start.subarray(0, prefix.length).equals(prefix))) messages++
    },
    end: () => ({ messages, warnings: whole ? [] : [CUT_OFF] }),
  })
}

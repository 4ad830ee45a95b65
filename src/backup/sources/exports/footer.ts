/** Dumps that end with a line that says so. */
import type { ExportReader } from './export-reader.ts'

const KEPT_BYTES = 1024

/** Rows are not counted: `messages` is null. */
export function footerReader(footer: string): ExportReader {
  let tail = Buffer.alloc(0)
  return {
    take(bytes) {
      tail = Buffer.concat([tail, bytes.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES)
    },
    end() {
      const complete = tail.toString('latin1').includes(footer)
      return {
        messages: null,
        warnings: complete ? [] : [`the line "${footer}" is missing at its end: the dump is cut off`],
      }
    },
  }
}

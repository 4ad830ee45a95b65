/** pg_dump and pg_dumpall as plain SQL, and pg_dump's custom form. Source: postgresql.org/docs, pg_dump */
import type { ExportForm, ExportReader } from './export-reader.ts'
import { footerReader } from './footer.ts'

export const postgresql: ExportForm = {
  app: 'postgresql',
  open({ text }) {
    const kind = /^--\r?\n-- PostgreSQL database (cluster )?dump/.exec(text)
    if (kind !== null) return footerReader(`-- PostgreSQL database ${kind[1] ?? ''}dump complete`)
    return text.startsWith('PGDMP') ? customReader() : undefined
  },
}

/** The last number of a complete one is zero: the length after a table's last block, or an offset that was never set. */
const ENDING = Buffer.alloc(5)

function customReader(): ExportReader {
  let tail = Buffer.alloc(0)
  return {
    take(bytes) {
      tail = Buffer.concat([tail, bytes.subarray(-ENDING.length)]).subarray(-ENDING.length)
    },
    end: () => ({
      messages: null,
      warnings: tail.equals(ENDING) ? [] : ['its last block has no end: the dump is cut off'],
    }),
  }
}

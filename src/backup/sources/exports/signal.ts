/**
 * Signal: the desktop's export as lines (`main.jsonl`), and Android's backup, which is encrypted: recognised, not counted.
 * Source: github.com/signalapp/Signal-Desktop, Signal-Android (Backups.proto)
 */
import type { ExportForm } from './export-reader.ts'
import { jsonLines } from './json-lines.ts'

const ANDROID = /^signal-[\d-]+\.backup$/
/** The first frame, a header with an initial vector and a salt, is not longer. */
const MAX_HEADER_BYTES = 256
/** Protocol-buffer tag of the header in a frame. */
const HEADER_TAG = 0x0a

export const signal: ExportForm = {
  app: 'signal',
  open({ name, bytes, text }) {
    if (text.startsWith('{') && text.includes('"backupTimeMs"')) return jsonLines(['{"chatItem"'])
    if (!ANDROID.test(name)) return undefined
    const sound = bytes.length > 5 && bytes.readUInt32BE(0) <= MAX_HEADER_BYTES && bytes[4] === HEADER_TAG
    const warnings = sound ? [] : ['it does not begin like a backup of Signal']
    return { take: () => undefined, end: () => ({ messages: null, warnings }) }
  },
}

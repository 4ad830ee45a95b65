/** Exports that were found, as a line each in the snapshot's note. */
import { limits } from '../../options.ts'
import type { ExportFound } from '../../requests.ts'

/** What somebody said about the snapshot, and below it the exports in it, as far as there is room. */
export function withExports(said: string, exports: readonly ExportFound[]): string {
  let note = said
  for (const { path, app, messages, warnings } of exports) {
    const count = messages === null ? '' : `: ${String(messages)} messages`
    const line = [`${app} ${path}${count}`, ...warnings].join('; ')
    const longer = note === '' ? line : `${note}\n${line}`
    if (longer.length > limits.noteCharacters) break
    note = longer
  }
  return note
}

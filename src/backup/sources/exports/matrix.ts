/** Element's chat export as JSON: one file per room. Source: github.com/element-hq/element-web, JSONExport */
import type { ExportForm } from './export-reader.ts'
import { jsonReader } from './json-reader.ts'

export const matrix: ExportForm = {
  app: 'matrix',
  open({ text }) {
    const known = text.trimStart().startsWith('{') && text.includes('"room_name"') && text.includes('"export_date"')
    return known ? jsonReader([['messages', '*']]) : undefined
  },
}

/** Mattermost's bulk export: one object a line, first of them the version; plain or in a zip. Source: docs.mattermost.com, Bulk export */
import type { ExportForm, ZipForm } from './export-reader.ts'
import { jsonLines } from './json-lines.ts'

const posts = ['{"type":"post"', '{"type":"direct_post"']

export const mattermost: ExportForm = {
  app: 'mattermost',
  open: ({ text }) => (text.startsWith('{"type":"version"') ? jsonLines(posts) : undefined),
}

export const mattermostZip: ZipForm = {
  app: 'mattermost',
  open(members) {
    const imports = new Set(members.filter((name) => /^[^/]+\.jsonl$/.test(name)))
    if (imports.size === 0) return undefined
    return { member: (name) => (imports.has(name) ? jsonLines(posts) : undefined), warnings: [] }
  },
}

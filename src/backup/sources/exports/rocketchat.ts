/** Rocket.Chat's room export: `messages.json`, one object a line, plain or in a zip. Source: docs.rocket.chat, Export messages */
import type { ExportForm, ZipForm } from './export-reader.ts'
import { jsonLines } from './json-lines.ts'

export const rocketchat: ExportForm = {
  app: 'rocketchat',
  open({ name, text }) {
    const known = /^\{"(msg|type|username|ts)":/.test(text) && text.includes('"username"') && text.includes('"ts"')
    return name.endsWith('.json') && known ? jsonLines() : undefined
  },
}

export const rocketchatZip: ZipForm = {
  app: 'rocketchat',
  open(members) {
    const rooms = new Set(members.filter((name) => /(^|\/)messages\.json$/.test(name)))
    if (rooms.size === 0) return undefined
    return { member: (name) => (rooms.has(name) ? jsonLines() : undefined), warnings: [] }
  },
}

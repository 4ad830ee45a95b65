/** DiscordChatExporter: one JSON file per channel. Source: github.com/Tyrrrz/DiscordChatExporter */
import type { ExportForm } from './export-reader.ts'
import { jsonReader } from './json-reader.ts'

export const discord: ExportForm = {
  app: 'discord',
  open({ text }) {
    const known = text.trimStart().startsWith('{') && text.includes('"guild"') && text.includes('"channel"')
    return known && text.includes('"dateRange"') ? jsonReader([['messages', '*']], 'messageCount') : undefined
  },
}

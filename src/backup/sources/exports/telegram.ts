/** Telegram Desktop: `result.json`, of one chat or of the whole account. Source: telegram.org/blog/export-and-more */
import type { ExportForm } from './export-reader.ts'
import { jsonReader } from './json-reader.ts'

const chatTypes =
  /"type": ?"(saved_messages|personal_chat|bot_chat|(private|public)_(group|supergroup|channel)|replies|verify_codes)"/

export const telegram: ExportForm = {
  app: 'telegram',
  open({ name, text }) {
    if (!text.trimStart().startsWith('{')) return undefined
    const account = text.includes('"personal_information"') || text.includes('"chats"') || text.includes('"about"')
    const known = chatTypes.test(text) || (name === 'result.json' && account)
    if (!known) return undefined
    return jsonReader([
      ['messages', '*'],
      ['chats', 'list', '*', 'messages', '*'],
      ['left_chats', 'list', '*', 'messages', '*'],
    ])
  },
}

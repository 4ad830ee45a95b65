/** WhatsApp's export of one chat: lines of text, as a file or with media in a zip. Source: faq.whatsapp.com, Export chat */
import type { ExportForm, ExportReader, ZipForm } from './export-reader.ts'
import { lineReader } from './line-reader.ts'

const time = String.raw`\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d{2}([:.]\d{2})?([ \u202f]?[AaPp]\.?[ \u202f]?[Mm]\.?)?`
/** `[31.12.23, 22:15:03] Name: text` and `12/31/23, 10:15 PM - Name: text`; what the app says itself has no name. */
const message = new RegExp(String.raw`^\u200e?(\[${time}\] |${time} - )[^:]{1,200}: `)
const names = /^(_chat\.txt|WhatsApp Chat\b.*\.txt|WhatsApp.*\.txt)$/i

export const whatsapp: ExportForm = {
  app: 'whatsapp',
  open({ name, bytes }) {
    if (!names.test(name)) return undefined
    const first = bytes.toString('utf8').split('\n', 20)
    return first.some((line) => message.test(line)) ? reader() : undefined
  },
}

export const whatsappZip: ZipForm = {
  app: 'whatsapp',
  open(members) {
    const chats = members.filter((name) => names.test(name))
    if (chats.length !== 1) return undefined
    return { member: (name) => (name === chats[0] ? reader() : undefined), warnings: [] }
  },
}

function reader(): ExportReader {
  let messages = 0
  return lineReader({
    line({ start }) {
      if (message.test(start.toString('utf8'))) messages++
    },
    end: () => ({ messages, warnings: messages === 0 ? ['no message was found in it'] : [] }),
  })
}

/**
 * Data set A: a chat export as newline-delimited JSON, made from a written-down seed: the same bytes on every machine.
 * 200 files of equal size; zstd -1 compresses it 6–7 times, like real exports with their repeated profile blocks.
 */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { hex, word, xorshift } from './seeded.ts'

export interface ChatExportOptions {
  readonly bytes: number
  readonly files: number
  readonly seed: number
}

export const setA: ChatExportOptions = { bytes: 1024 * 1024 * 1024, files: 200, seed: 20261121 }

const PEOPLE = 180
const VOCABULARY = 4_000
const TEXTS = 20_000

/** Writes the set below `folder` and returns the number of bytes written (the last message of a file is whole). */
export async function writeChatExport(folder: string, options: ChatExportOptions): Promise<number> {
  await mkdir(folder, { recursive: true })
  const next = xorshift(options.seed)
  const words = Array.from({ length: VOCABULARY }, () => word(next))
  const texts = Array.from({ length: TEXTS }, () => sentence(next, words))
  const people = Array.from({ length: PEOPLE }, (_, i) => person(next, i))
  const perFile = Math.floor(options.bytes / options.files)
  let written = 0
  for (let f = 0; f < options.files; f++) {
    const file = await open(join(folder, `channel-${String(f).padStart(3, '0')}.ndjson`), 'w')
    let size = 0
    while (size < perFile) {
      let block = ''
      for (let i = 0; i < 500; i++) block += message(next, { people, texts, words })
      size += (await file.write(block.slice(0, Math.max(1, perFile - size)))).bytesWritten
    }
    written += size
    await file.close()
  }
  return written
}

interface Vocabulary {
  readonly people: readonly { id: string; profile: string }[]
  readonly texts: readonly string[]
  readonly words: readonly string[]
}

function message(next: () => number, { people, texts, words }: Vocabulary): string {
  const from = people[next() % people.length] as { id: string; profile: string }
  const tail = Array.from({ length: 40 }, () => words[next() % words.length]).join(' ')
  const text = `${texts[next() % texts.length] ?? ''} ${tail}`
  const ts = `17${String(next() % 1e8).padStart(8, '0')}.${String(next() % 1e6).padStart(6, '0')}`
  return `{"type":"message","subtype":null,"client_msg_id":"${hex(next)}-${hex(next)}","user":"${from.id}","user_profile":${from.profile},"event_context":"${hex(next)}${hex(next)}","team":"T024BE7LD","source_team":"T024BE7LD","user_team":"T024BE7LD","text":"${text}","ts":"${ts}","thread_ts":null,"reply_count":${String(next() % 9)},"blocks":[{"type":"rich_text","block_id":"${hex(next).slice(0, 5)}","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"${text}"}]}]}],"reactions":[]}\n`
}

function person(next: () => number, index: number): { id: string; profile: string } {
  const name = `${word(next)} ${word(next)}`
  const profile = `{"avatar_hash":"${hex(next)}","image_72":"https://avatars.example.org/2026-01-${hex(next)}_72.png","first_name":"${name.split(' ')[0] ?? ''}","real_name":"${name}","display_name":"${name}","team":"T024BE7LD","name":"user${String(index)}","is_restricted":false,"is_ultra_restricted":false}`
  return { id: `U${hex(next).toUpperCase()}`, profile }
}

function sentence(next: () => number, words: readonly string[]): string {
  return Array.from(
    { length: 4 + (next() % 20) },
    () => words[Math.min(next() % words.length, next() % words.length)],
  ).join(' ')
}

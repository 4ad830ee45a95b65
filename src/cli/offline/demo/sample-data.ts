/**
 * What the demo backs up: a chat export (channels as JSON lines) and a small directory tree with the things that are
 * easily lost: odd names, modes, links, times to the µs, empty files, names that are not UTF-8.
 */
import { chmod, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

const CHANNELS = ['general', 'random', 'garden', 'photos', 'committee', 'kitchen']
const MESSAGES_PER_CHANNEL = 8_000
const PEOPLE = ['Ada', 'Bob', 'Chiara', 'Deniz', 'Eve', 'Farid', 'Grace', 'Hana']
const WORDS =
  'the a we you they bread garden meeting tomorrow tonight photo server backup disk please thanks never always maybe light water green old new small meet bring send read lost found again together idea plan note question answer'.split(
    ' ',
  )

/** Writes about 12 MB below `folder`, the same every time; resolves to the two paths to back up. */
export async function writeSampleData(folder: string): Promise<string[]> {
  const chat = join(folder, 'chat-export')
  const home = join(folder, 'documents')
  await writeChatExport(chat)
  await writeTree(home)
  return [chat, home]
}

async function writeChatExport(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'users.json'),
    JSON.stringify(
      PEOPLE.map((name, id) => ({ id, name })),
      undefined,
      2,
    ),
  )
  for (const [c, channel] of CHANNELS.entries()) {
    const dice = numbers(`channel ${channel}`)
    const lines: string[] = []
    for (let i = 0; i < MESSAGES_PER_CHANNEL; i++) lines.push(JSON.stringify(message(dice, i, c)))
    await writeFile(join(folder, `${channel}.ndjson`), `${lines.join('\n')}\n`)
  }
}

function message(dice: () => number, i: number, channel: number): Record<string, unknown> {
  const words = Array.from({ length: 8 + (dice() % 24) }, () => WORDS[dice() % WORDS.length])
  return {
    id: `${String(channel)}-${String(i)}-${dice().toString(16)}`,
    ts: new Date(1_700_000_000_000 + i * 61_000 + (dice() % 60_000)).toISOString(),
    from: PEOPLE[dice() % PEOPLE.length],
    text: words.join(' '),
  }
}

async function writeTree(folder: string): Promise<void> {
  const dice = numbers('tree')
  for (let d = 0; d < 12; d++) {
    const sub = join(folder, `year ${String(2014 + d)}`, d % 3 === 0 ? 'façade – été' : 'letters')
    await mkdir(sub, { recursive: true })
    for (let f = 0; f < 12; f++) {
      const path = join(sub, `note-${String(f)}.txt`)
      await writeFile(path, `${WORDS[dice() % WORDS.length] ?? ''} `.repeat(dice() % 900))
      await lutimes(path, 1_400_000_000 + (dice() % 1e8), 1_400_000_000.000_123 + (dice() % 1e8))
    }
  }
  await writeFile(join(folder, 'photo.raw'), randomBlock(1_500_000))
  await writeFile(join(folder, 'empty'), '')
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\necho hello\n')
  await chmod(join(folder, 'run.sh'), 0o755)
  await writeFile(join(folder, 'private'), 'for me alone\n', { mode: 0o600 })
  await symlink('run.sh', join(folder, 'link to script'))
  await symlink('/nowhere/at/all', join(folder, 'dangling'))
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'not utf-8 ')), Buffer.of(0xff, 0xfe)]), 'odd name\n')
}

/** A small deterministic sequence (xorshift32 seeded by a hash): sample text needs no better. */
function numbers(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32BE(0) || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}

function randomBlock(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256')
      .update(`photo ${String(i)}`)
      .digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

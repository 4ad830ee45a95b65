/** Data set D: 100,000 text-like files of 1 to 4 KiB in directories of 250, as a mail store or a source tree has them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hex, words, xorshift } from './seeded.ts'

export interface SmallFilesOptions {
  readonly files: number
  readonly seed: number
}

export const setD: SmallFilesOptions = { files: 100_000, seed: 20261124 }

const VOCABULARY = 20_000
const PER_DIRECTORY = 250
const MIN_BYTES = 1024
const MAX_BYTES = 4096

export function writeSmallFiles(folder: string, { files, seed }: SmallFilesOptions): void {
  const next = xorshift(seed)
  const vocabulary = words(next, VOCABULARY)
  for (let i = 0; i < files; i++) {
    const directory = join(folder, `part-${String(Math.floor(i / PER_DIRECTORY)).padStart(4, '0')}`)
    if (i % PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true })
    const length = MIN_BYTES + (next() % (MAX_BYTES - MIN_BYTES + 1))
    let text = `id: ${hex(next)}${hex(next)}\nfrom: ${hex(next)}@example.org\n\n`
    while (text.length < length) text += `${vocabulary[next() % VOCABULARY] ?? ''} `
    writeFileSync(join(directory, `note-${String(i)}.txt`), text.slice(0, length), 'latin1')
  }
}

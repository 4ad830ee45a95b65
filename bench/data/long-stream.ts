/**
 * Data set E: blocks of 1 MiB of text, half of them repeats of earlier ones, made on the fly from their number: as a
 * stream (`node long-stream.ts MEBIBYTES` writes to stdout) or as a tree. It shows how memory and time grow.
 */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { hex, words, xorshift } from './seeded.ts'

export interface LongStreamOptions {
  readonly mebibytes: number
  readonly seed: number
}

export const setE: LongStreamOptions = { mebibytes: 20 * 1024, seed: 20261125 }

const BLOCK = 1024 * 1024
const POOL_BLOCKS = 16
const STAMP_EVERY = 4096
const FILE_MEBIBYTES = 256

/** Every second block or so repeats an earlier one, anywhere before it. */
export function* longStream({ mebibytes, seed }: LongStreamOptions): Generator<Buffer> {
  const pool = textPool(seed)
  const choose = xorshift(seed + 1)
  const made: number[] = []
  for (let i = 0; i < mebibytes; i++) {
    const repeat = choose() % 2 === 0 ? made[choose() % made.length] : undefined
    const number = repeat ?? i
    if (repeat === undefined) made.push(i)
    yield block(pool, number)
  }
}

/** As files of 256 MiB below `folder`. */
export async function writeLongTree(folder: string, options: LongStreamOptions): Promise<void> {
  mkdirSync(folder, { recursive: true })
  let file: Awaited<ReturnType<typeof open>> | undefined
  let index = 0
  for (const bytes of longStream(options)) {
    if (index % FILE_MEBIBYTES === 0) {
      await file?.close()
      file = await open(join(folder, `part-${String(index / FILE_MEBIBYTES).padStart(4, '0')}.txt`), 'w')
    }
    index++
    await file?.write(bytes)
  }
  await file?.close()
}

function textPool(seed: number): Buffer {
  const next = xorshift(seed)
  const vocabulary = words(next, 20_000)
  let text = ''
  while (text.length < POOL_BLOCKS * BLOCK) text += `${vocabulary[next() % vocabulary.length] ?? ''} `
  return Buffer.from(text.slice(0, POOL_BLOCKS * BLOCK), 'latin1')
}

/** Text of the pool, shifted and stamped so that no chunk of it is like another's. */
function block(pool: Buffer, number: number): Buffer {
  const next = xorshift(number + 1)
  const from = next() % (pool.length - BLOCK)
  const bytes = Buffer.from(pool.subarray(from, from + BLOCK))
  for (let at = 0; at < BLOCK; at += STAMP_EVERY) bytes.write(`${hex(next)}${hex(next)}`, at, 'latin1')
  return bytes
}

if (import.meta.main) {
  for (const bytes of longStream({ ...setE, mebibytes: Number(process.argv[2]) }))
    if (!process.stdout.write(bytes)) await once(process.stdout, 'drain')
}

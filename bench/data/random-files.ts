/** Data set C: random bytes, which neither compress nor repeat, in 64 files of equal size. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { keyStream } from './seeded.ts'

export interface RandomFilesOptions {
  readonly bytes: number
  readonly files: number
  readonly seed: number
}

export const setC: RandomFilesOptions = { bytes: 512 * 1024 * 1024, files: 64, seed: 20261123 }

const BLOCK = 1024 * 1024

export async function writeRandomFiles(folder: string, { bytes, files, seed }: RandomFilesOptions): Promise<void> {
  await mkdir(folder, { recursive: true })
  const stream = keyStream(seed)
  const perFile = Math.floor(bytes / files)
  for (let f = 0; f < files; f++) {
    const file = await open(join(folder, `random-${String(f).padStart(2, '0')}.bin`), 'w')
    for (let at = 0; at < perFile; at += BLOCK) await file.write(stream(Math.min(BLOCK, perFile - at)))
    await file.close()
  }
}

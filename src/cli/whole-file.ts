/** Bytes from the daemon into a file: it appears whole or not at all. */
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { PlexiError } from '../base/errors.ts'

/** Returns how many bytes. Throws `STORAGE_NOT_FOUND` without the folder. */
export async function writeWholeFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  if (!existsSync(dirname(path))) throw new PlexiError('STORAGE_NOT_FOUND', { what: dirname(path) })
  // Of this process alone, so that nobody's file is in the way.
  const part = `${path}.${String(process.pid)}.part`
  const file = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true })
  try {
    await pipeline(bytes, file)
    await rename(part, path)
  } finally {
    await rm(part, { force: true })
  }
  return file.bytesWritten
}

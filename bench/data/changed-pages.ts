/** What an edit of a database cannot cost less than: its pages that differ, compressed. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'

const PAGE_BYTES = 4096
/** Read, and compressed, at a time. */
const BLOCK_BYTES = 1024 * 1024

/** Bytes of the pages below `folder`/edited that are not those of `folder`/first, at zstd level 1 in blocks of 1 MiB. */
export async function changedPages(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(join(folder, 'edited')))
    bytes += await changedIn(join(folder, 'first', name), join(folder, 'edited', name))
  return bytes
}

async function changedIn(before: string, after: string): Promise<number> {
  await using old = await open(before)
  await using edited = await open(after)
  const blocks = { old: Buffer.alloc(BLOCK_BYTES), edited: Buffer.alloc(BLOCK_BYTES) }
  let waiting: Buffer[] = []
  let bytes = 0
  const compress = () => {
    bytes += zstdCompressSync(Buffer.concat(waiting), { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length
    waiting = []
  }
  for (let at = 0; ; at += BLOCK_BYTES) {
    const { bytesRead } = await edited.read(blocks.edited, 0, BLOCK_BYTES, at)
    if (bytesRead === 0) break
    const known = (await old.read(blocks.old, 0, BLOCK_BYTES, at)).bytesRead
    for (let page = 0; page < bytesRead; page += PAGE_BYTES) {
      const [a, b] = [
        blocks.old.subarray(page, Math.min(page + PAGE_BYTES, known)),
        blocks.edited.subarray(page, page + PAGE_BYTES),
      ]
      if (!a.equals(b)) waiting.push(Buffer.from(b))
      if (waiting.length * PAGE_BYTES >= BLOCK_BYTES) compress()
    }
  }
  if (waiting.length > 0) compress()
  return bytes
}

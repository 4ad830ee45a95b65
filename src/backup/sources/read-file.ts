/**
 * Reading one file. Small ones whole and ahead of time, large ones in blocks. Invariant: a file that changed while it
 * was read is reported; a path that is not a regular file any more is never read.
 */
import type { Disk, DiskFile, DiskStat } from '../../base/disk.ts'
import { Semaphore } from '../../base/queue.ts'
import { reasonOf } from './reason.ts'
import type { WalkEntry, WalkItem } from './walk.ts'

/** Content of a small file; `error` where it could not be read. */
export type SmallContent = { readonly bytes: Uint8Array; readonly changed: boolean } | { readonly error: string }

/** Opens a regular file; throws when something else took its place. */
export async function openSource(disk: Disk, entry: WalkEntry): Promise<{ file: DiskFile; stat: DiskStat }> {
  const file = await disk.open(entry.path, 'read')
  try {
    const stat = await file.stat()
    if (stat.kind !== 'file') throw Object.assign(new Error('not a file any more'), { code: 'ENXIO' })
    return { file, stat }
  } catch (error) {
    await file.close()
    throw error
  }
}

export function hasChanged(before: DiskStat, after: DiskStat): boolean {
  return before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.inode !== after.inode
}

async function readSmall(disk: Disk, entry: WalkEntry): Promise<SmallContent> {
  try {
    const { file, stat } = await openSource(disk, entry)
    try {
      const buffer = Buffer.allocUnsafe(entry.stat.size)
      let at = 0
      while (at < buffer.length) {
        const count = await file.read(buffer.subarray(at), at)
        if (count === 0) break
        at += count
      }
      const after = await file.stat()
      return { bytes: buffer.subarray(0, at), changed: hasChanged(entry.stat, stat) || hasChanged(stat, after) }
    } finally {
      await file.close()
    }
  } catch (error) {
    return { error: reasonOf(error) }
  }
}

export type AheadItem =
  Exclude<WalkItem, { type: 'file' }> | ({ readonly type: 'file'; readonly small?: Promise<SmallContent> } & WalkEntry)

export interface ReadAheadOptions {
  readonly files: number
  readonly bytes: number
  /** Files up to this size are read whole. */
  readonly smallBytes: number
}

const READS_AT_ONCE = 16

/**
 * The walk's items in their order, with small files being read ahead: at most `files` of them and `bytes` in memory.
 */
export async function* readAhead(
  items: AsyncGenerator<WalkItem>,
  options: ReadAheadOptions,
  disk: Disk,
): AsyncGenerator<AheadItem> {
  const reads = new Semaphore(READS_AT_ONCE)
  const ahead: { item: AheadItem; bytes: number }[] = []
  let bytes = 0
  let ended = false
  const fill = async (): Promise<void> => {
    while (!ended && ahead.length < options.files && bytes < options.bytes) {
      const next = await items.next()
      if (next.done === true) {
        ended = true
        return
      }
      const item = next.value
      if (item.type !== 'file' || item.stat.size > options.smallBytes) ahead.push({ item, bytes: 0 })
      else {
        const small = item.stat.size === 0 ? undefined : reads.run(() => readSmall(disk, item))
        ahead.push({ item: small === undefined ? item : { ...item, small }, bytes: item.stat.size })
        bytes += item.stat.size
      }
    }
  }
  try {
    for (;;) {
      if (ahead.length < options.files / 2) await fill()
      const first = ahead.shift()
      if (first === undefined) return
      bytes -= first.bytes
      yield first.item
    }
  } finally {
    await items.return(undefined)
  }
}

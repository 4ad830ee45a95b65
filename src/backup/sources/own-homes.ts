/**
 * Recognises what must never be backed up: this daemon's home, other homes of it, and directories that hold shards.
 * Backing those up would feed the backup with itself.
 */
import type { Disk, DiskPath, DiskStat } from '../../base/disk.ts'
import { nameText } from './excludes.ts'

/** A file of this name marks a directory of shards. */
export const STORE_MARKER = 'PLEXICHAT-STORE'

/** Names that every home has. */
const homeNames = ['identity', 'catalog.db', 'outbox']

export class OwnHomes {
  readonly #known = new Set<string>()

  static async of(disk: Disk, directories: readonly DiskPath[]): Promise<OwnHomes> {
    const homes = new OwnHomes()
    for (const directory of directories) {
      const stat = await disk.stat(directory)
      if (stat !== undefined) homes.#known.add(keyOf(stat))
    }
    return homes
  }

  isOwn(stat: DiskStat, names: readonly Uint8Array[]): boolean {
    if (this.#known.has(keyOf(stat))) return true
    const texts = new Set(names.length > 10_000 ? [] : names.map(nameText))
    return texts.has(STORE_MARKER) || homeNames.every((name) => texts.has(name))
  }
}

function keyOf(stat: DiskStat): string {
  return `${String(stat.device)}:${String(stat.inode)}`
}

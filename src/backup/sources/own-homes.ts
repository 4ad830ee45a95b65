/**
 * Recognises what must never be backed up: this daemon's home, other homes of it, and directories that hold shards.
 * Backing those up would feed the backup with itself.
 */
import { utf8 } from '../../base/bytes.ts'
import type { Disk, DiskPath, DiskStat } from '../../base/disk.ts'
import type { Listing } from './listing.ts'

/** A file of this name marks a directory of shards. */
export const STORE_MARKER = 'PLEXICHAT-STORE'

/** Names that every home has. */
const homeNames = ['identity', 'catalog.db', 'outbox'].map(utf8)
const storeName = utf8(STORE_MARKER)

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

  isOwn(stat: DiskStat, listing: Pick<Listing, 'has'>): boolean {
    return this.#known.has(keyOf(stat)) || listing.has(storeName) || homeNames.every((name) => listing.has(name))
  }
}

function keyOf(stat: DiskStat): string {
  return `${String(stat.device)}:${String(stat.inode)}`
}

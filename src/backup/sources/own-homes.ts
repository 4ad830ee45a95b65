/**
 * Recognises what must never be backed up: this daemon's home, other homes of it, and directories that hold shards.
 * Backing those up would feed the backup with itself.
 */
import { dirname, join } from 'node:path'
import type { Disk, DiskPath, DiskStat } from '../../base/disk.ts'
import { nameText } from './excludes.ts'
import type { Listing } from './listing.ts'

/** A file of this name marks a directory of shards. */
export const STORE_MARKER = 'PLEXICHAT-STORE'

export const NEVER_BACKED_UP = 'a home or store of PlexiChat is never backed up'

/** Names that every home has. */
const homeNames = ['identity', 'catalog.db', 'outbox'].map((name) => Buffer.from(name))
const storeName = Buffer.from(STORE_MARKER)

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

  /** Whether an absolute path lies somewhere below such a directory: a walk that begins there would not meet it. */
  async hold(path: string, disk: Pick<Disk, 'stat'>): Promise<boolean> {
    for (let at = dirname(path); ; at = dirname(at)) {
      // Behind a link, too.
      const stat = await disk.stat(`${at}/.`).catch(() => undefined)
      const names = stat === undefined ? new Set<string>() : await ownNamesIn(at, disk)
      const has = (name: Uint8Array): boolean => names.has(nameText(name))
      if (stat !== undefined && this.isOwn(stat, { has })) return true
      if (at === dirname(at)) return false
    }
  }
}

/** Of the names that tell a home or store, those that are there. */
async function ownNamesIn(directory: string, disk: Pick<Disk, 'stat'>): Promise<Set<string>> {
  const names = new Set<string>()
  for (const name of [storeName, ...homeNames]) {
    const stat = await disk.stat(join(directory, String(name))).catch(() => undefined)
    if (stat !== undefined) names.add(String(name))
  }
  return names
}

function keyOf(stat: DiskStat): string {
  return `${String(stat.device)}:${String(stat.inode)}`
}

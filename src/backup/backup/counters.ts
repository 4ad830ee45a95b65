/** Counting what a backup does and has yet to do. */
import type { WalkDeps, WalkEntry } from '../sources/walk.ts'
import { walk } from '../sources/walk.ts'

export class Counters {
  filesDone = 0
  bytesDone = 0
  dirs = 0
  filesTotal = 0
  bytesTotal = 0
  totalKnown = false
}

/** Runs ahead of the backup and finds the totals. Entries it cannot read are the backup's to report. */
export async function scan(roots: readonly WalkEntry[], deps: WalkDeps, counters: Counters): Promise<void> {
  for (const root of roots) {
    for await (const item of walk(root, deps)) {
      if (item.type !== 'file') continue
      counters.filesTotal++
      counters.bytesTotal += item.stat.size
    }
  }
  counters.totalKnown = true
}

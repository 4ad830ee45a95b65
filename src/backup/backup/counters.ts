/** Counting what a backup does and has yet to do. */
import { SECOND, type Clock } from '../../base/clock.ts'
import { sizes, type WalkDeps, type WalkEntry } from '../sources/walk.ts'

export class Counters {
  filesDone = 0
  bytesDone = 0
  dirs = 0
  filesTotal = 0
  bytesTotal = 0
  totalKnown = false

  /** Everything was read: what was done is all there was. */
  readingEnded(): void {
    this.filesTotal = this.filesDone
    this.bytesTotal = this.bytesDone
    this.totalKnown = true
  }
}

/** Backups that take less time than this get along without a second look at every file. */
const SCAN_AFTER_MS = 10 * SECOND

interface ScanDeps extends WalkDeps {
  readonly clock: Clock
}

/** Runs ahead of a backup that takes its time and finds the totals. Entries it cannot read are the backup's to report. */
export async function scan(roots: readonly WalkEntry[], deps: ScanDeps, counters: Counters): Promise<void> {
  await deps.clock.sleep(SCAN_AFTER_MS, deps.signal)
  for (const root of roots)
    await sizes(root, deps, (files, bytes) => {
      counters.filesTotal += files
      counters.bytesTotal += bytes
    })
  counters.totalKnown = true
}

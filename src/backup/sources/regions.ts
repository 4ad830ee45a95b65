/** The data and the holes of a file in order, so that holes are neither read nor stored. */
import type { DataRange, DiskFile, DiskStat } from '../../base/disk.ts'

export interface Region extends DataRange {
  readonly hole: boolean
}

/** Fewer bytes than this are not worth an extent of their own. */
const MIN_HOLE_BYTES = 64 * 1024

/** Whether a file takes less room on disk than its length says. */
export function isSparse({ size, blocks }: DiskStat): boolean {
  return blocks * 512 < size
}

/** Regions that follow each other from 0 to the size `stat` tells; one of data where the file has no holes. */
export async function* regionsOf(file: DiskFile, stat: DiskStat): AsyncGenerator<Region> {
  const { size } = stat
  if (!isSparse(stat)) {
    yield { hole: false, from: 0, to: size }
    return
  }
  /** Data that was found and may go on behind a hole too small to count. */
  let data = { from: 0, to: 0 }
  for (;;) {
    const next = data.to < size ? await file.nextData(data.to) : undefined
    const from = Math.min(next?.from ?? size, size)
    const to = Math.min(next?.to ?? size, size)
    if (from - data.to >= MIN_HOLE_BYTES) {
      if (data.to > data.from) yield { hole: false, ...data }
      yield { hole: true, from: data.to, to: from }
      data = { from, to }
    } else data = { from: data.from, to }
    if (data.to >= size) break
  }
  if (data.to > data.from) yield { hole: false, ...data }
}

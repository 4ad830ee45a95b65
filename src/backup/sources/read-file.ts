/**
 * Opening files of the walk, and starting with them before their turn. Invariant: a path that is not a regular file any
 * more is never read.
 */
import type { Disk, DiskFile, DiskStat } from '../../base/disk.ts'
import type { FileEntry, WalkEntry, WalkItem } from './walk.ts'

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

/** The walk's items; files with what was started for them, if anything was. */
export type AheadItem<S> =
  Exclude<WalkItem, { type: 'file' }> | ({ readonly type: 'file'; readonly started?: S } & FileEntry)

export interface Ahead<S> {
  /** Items taken from the walk before they are asked for. */
  readonly items: number
  /** Called for each file when it is taken. */
  start(entry: FileEntry): S | undefined
  /** Called when no more are taken for now. */
  send(): void
}

/** The walk's items in their order, files being started ahead. */
export async function* readAhead<S>(items: AsyncGenerator<WalkItem>, ahead: Ahead<S>): AsyncGenerator<AheadItem<S>> {
  const taken: AheadItem<S>[] = []
  let at = 0
  const state = { ended: false }
  const fill = async (): Promise<void> => {
    taken.splice(0, at)
    at = 0
    while (!state.ended && taken.length < ahead.items) {
      const next = await items.next()
      if (next.done === true) state.ended = true
      else taken.push(next.value.type === 'file' ? withStarted(next.value, ahead) : next.value)
    }
    ahead.send()
  }
  try {
    for (;;) {
      if (taken.length - at < ahead.items / 2 && !state.ended) await fill()
      const first = taken[at++]
      if (first === undefined) return
      yield first
    }
  } finally {
    await items.return(undefined)
  }
}

function withStarted<S>(entry: { readonly type: 'file' } & FileEntry, ahead: Ahead<S>): AheadItem<S> {
  const started = ahead.start(entry)
  return started === undefined ? entry : { ...entry, started }
}

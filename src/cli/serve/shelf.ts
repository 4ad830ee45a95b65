/**
 * Snapshots as directories: `latest`, and one of each snapshot named after its time and id. What lies inside comes from
 * the daemon, a page at a time.
 */
import type { ApiClient, Entry } from '../../api/index.ts'
import { PlexiError } from '../../base/errors.ts'
import { short } from '../format.ts'

export interface Item {
  readonly name: string
  /** `other`: links and special files, which are shown and cannot be opened. */
  readonly kind: 'directory' | 'file' | 'other'
  readonly size: number
  readonly mtime: string
  /** Of a symbolic link. */
  readonly target?: string | undefined
}

/** What lies where. `names`: the snapshot's directory, then names inside it; none for the top. */
export class Shelf {
  readonly #client: ApiClient

  constructor(client: ApiClient) {
    this.#client = client
  }

  /** A file or special entry, or undefined for a directory. Throws `STORAGE_SNAPSHOT_NOT_FOUND`, `STORAGE_PATH_NOT_FOUND`. */
  async look(names: readonly string[], signal: AbortSignal): Promise<Item | undefined> {
    if (names.length === 0) return undefined
    const path = names.slice(1).join('/')
    const asked = { params: { ref: refOf(names) }, query: { ...(path === '' ? {} : { at: path }), limit: 1 } }
    for await (const entry of this.#client.list('snapshotTree', asked, { signal }))
      return entry.path === path ? itemOf(entry) : undefined
    return undefined
  }

  /** What is in a directory. */
  async *items(names: readonly string[], signal: AbortSignal): AsyncGenerator<Item> {
    if (names.length === 0) {
      yield* this.#snapshots(signal)
      return
    }
    const path = names.slice(1).join('/')
    const asked = { params: { ref: refOf(names) }, query: path === '' ? {} : { at: path } }
    for await (const entry of this.#client.list('snapshotTree', asked, { signal })) yield itemOf(entry)
  }

  bytes(
    names: readonly string[],
    range: { from: number; length: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const query = { at: names.slice(1).join('/'), from: range.from, length: range.length }
    return this.#client.bytes('snapshotFile', { params: { ref: refOf(names) }, query }, { signal })
  }

  async *#snapshots(signal: AbortSignal): AsyncGenerator<Item> {
    let isFirst = true
    for await (const { id, time } of this.#client.list('snapshots', { query: {} }, { signal })) {
      const directory = { kind: 'directory', size: 0, mtime: time } as const
      if (isFirst) yield { name: 'latest', ...directory }
      isFirst = false
      yield { name: `${time.slice(0, 19).replaceAll(':', '-')}-${short(id)}`, ...directory }
    }
  }
}

function refOf([name = '']: readonly string[]): string {
  const id = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-([0-9a-f]{12})$/.exec(name)?.[1]
  if (name !== 'latest' && id === undefined) throw new PlexiError('STORAGE_SNAPSHOT_NOT_FOUND', { snapshot: name })
  return id ?? name
}

function itemOf({ path, type, size, mtime, target }: Entry): Item {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const kind = type === 'dir' ? 'directory' : type === 'file' ? 'file' : 'other'
  return { name, kind, size, mtime, target }
}

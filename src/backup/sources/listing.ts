/** A directory as a job of a thread found it. Invariant: names ascend; `at` is before anything was looked at. */
import { compare } from '../../base/bytes.ts'
import type { DiskStat } from '../../base/disk.ts'
import type { Clock } from '../../base/clock.ts'
import { entryKinds, entryState, type ListJob, type ListResult } from '../kernel/jobs.ts'
import { nameAt, type Names } from '../kernel/names.ts'

type Found = Exclude<ListResult, { error: string }>

export class Listing {
  readonly found: Found
  /** ms since 1970. */
  readonly at: number

  constructor(found: Found, at: number) {
    this.found = found
    this.at = at
  }

  get length(): number {
    return this.found.ends.length
  }

  /** Entries that were looked at: all, or the first so many. */
  get seen(): number {
    return this.found.states.length
  }

  name(i: number): Buffer {
    return nameAt(this.found, i)
  }

  some(test: (name: Uint8Array) => boolean): boolean {
    for (let i = 0; i < this.length; i++) if (test(this.name(i))) return true
    return false
  }

  /** What vanished since is not there. */
  has(name: Uint8Array): boolean {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(this.name(middle), name) < 0) low = middle + 1
      else high = middle
    }
    const isThere = low < this.length && compare(this.name(low), name) === 0
    return isThere && this.found.states[low] !== entryState.vanished
  }

  /** Undefined for what vanished since the directory was read. */
  kind(i: number): DiskStat['kind'] | undefined {
    return entryKinds[this.found.states[i] as number]
  }

  /** Why an entry could not be looked at. */
  reason(i: number): string | undefined {
    return this.found.states[i] === entryState.failed ? (this.found.reasons[i] ?? 'it cannot be read') : undefined
  }

  /** Of what has a kind. */
  stat(i: number): DiskStat {
    const { modes, owners, links, blocks, sizes, mtimes, ctimes, inodes, devices, rdevs } = this.found
    return {
      kind: this.kind(i) ?? 'file',
      mode: modes[i] as number,
      uid: owners[i * 2] as number,
      gid: owners[i * 2 + 1] as number,
      links: links[i] as number,
      blocks: blocks[i] as number,
      size: sizes[i] as number,
      mtimeNs: mtimes[i] as bigint,
      ctimeNs: ctimes[i] as bigint,
      inode: inodes[i] as bigint,
      device: devices[i] as bigint,
      rdev: rdevs[i] as bigint,
    }
  }

  /** Names from `from` up to but not including `to`. */
  names(from: number, to: number): Names {
    const { names, ends } = this.found
    const start = from === 0 ? 0 : (ends[from - 1] as number)
    const end = ends[to - 1] ?? start
    return { names: names.slice(start, end), ends: ends.slice(from, to).map((each) => each - start) }
  }
}

interface Lists {
  run(name: 'list', job: ListJob): Promise<ListResult>
}

/** Listing by the engine's threads. */
export function lister({ kernel, clock }: { readonly kernel: Lists; readonly clock: Pick<Clock, 'now'> }) {
  return async (job: ListJob): Promise<Listing | { readonly error: string }> => {
    const at = clock.now()
    const found = await kernel.run('list', job)
    return 'error' in found ? found : new Listing(found, at)
  }
}

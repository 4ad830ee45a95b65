/** A directory's names and what `lstat` says about each: a hundred thousand of them cost the main thread nothing. */
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import { compare } from '../../base/bytes.ts'
import type { DiskStat } from '../../base/disk.ts'
import { sha256 } from '../../crypto/hash.ts'
import { reasonOf } from '../sources/reason.ts'
import { entryKinds, entryState, type Columns, type ListJob, type ListResult } from './jobs.ts'
import { pack, partEnd, unpack, type Names } from './names.ts'

const SLASH = 0x2f

export function listDirectory({ path, only, most }: ListJob, disk: BlockingDisk): ListResult {
  let names: Buffer[]
  try {
    names = only === undefined ? disk.readdir(Buffer.from(path)).sort(compare) : unpack(only)
  } catch (error) {
    return { error: reasonOf(error) }
  }
  const packed = pack(names)
  const columns = emptyColumns(partEnd(packed, 0, most))
  const reasons: Record<number, string> = {}
  const start = path.at(-1) === SLASH ? Buffer.from(path) : Buffer.concat([path, Buffer.from('/')])
  for (let i = 0; i < columns.states.length; i++) {
    try {
      const stat = disk.stat(Buffer.concat([start, names[i] as Buffer]))
      if (stat === undefined) columns.states[i] = entryState.vanished
      else fill(columns, i, stat)
    } catch (error) {
      columns.states[i] = entryState.failed
      reasons[i] = reasonOf(error)
    }
  }
  return { ...packed, ...columns, reasons, digest: digestOf(packed, columns) }
}

function emptyColumns(count: number): Columns {
  return {
    states: new Uint8Array(count),
    modes: new Uint16Array(count),
    owners: new Uint32Array(count * 2),
    links: new Uint32Array(count),
    blocks: new Float64Array(count),
    sizes: new Float64Array(count),
    mtimes: new BigInt64Array(count),
    ctimes: new BigInt64Array(count),
    inodes: new BigUint64Array(count),
    devices: new BigUint64Array(count),
    rdevs: new BigUint64Array(count),
  }
}

function fill(columns: Columns, i: number, stat: DiskStat): void {
  columns.states[i] = entryKinds.indexOf(stat.kind)
  columns.modes[i] = stat.mode
  columns.owners[i * 2] = stat.uid
  columns.owners[i * 2 + 1] = stat.gid
  columns.links[i] = stat.links
  columns.blocks[i] = stat.blocks
  columns.sizes[i] = stat.size
  columns.mtimes[i] = stat.mtimeNs
  columns.ctimes[i] = stat.ctimeNs
  columns.inodes[i] = stat.inode
  columns.devices[i] = stat.device
  columns.rdevs[i] = stat.rdev
}

/** Of all that a node says and all by which a change is told; blocks may move by themselves. */
function digestOf({ names, ends }: Names, { blocks: _, ...columns }: Columns): Uint8Array {
  const parts = [ends, ...Object.values(columns)].map(
    (column) => new Uint8Array(column.buffer, column.byteOffset, column.byteLength),
  )
  return sha256(names, ...parts)
}

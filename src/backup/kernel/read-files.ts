/** Small files → slab → pieces. Invariant: a path that is not a regular file any more is never read. */
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import { MiB } from '../../base/bytes.ts'
import { reasonOf } from '../sources/reason.ts'
import { readHeader } from '../sources/sqlite/database-header.ts'
import { fileState, type FoundXattrs, type ReadJob, type ReadResult } from './jobs.ts'
import type { Namer } from './namer.ts'

/** Extended attributes of the files of a job. */
const MAX_XATTR_BYTES = MiB

export function readFiles(job: ReadJob, deps: { disk: BlockingDisk; namer: Namer }): ReadResult {
  const count = job.sizes.length
  const result = { states: new Uint8Array(count), sizes: new Uint32Array(count), pieces: new Uint32Array(count) }
  const reasons: Record<number, string> = {}
  const xattrs: Record<number, FoundXattrs | null> = {}
  let xattrBytes = 0
  let at = 0
  for (let file = 0; file < count; file++) {
    const into = job.slab.subarray(at, at + (job.sizes[file] as number))
    try {
      const { bytes, changed, attributes } = readOne(deps.disk, job, { file, into })
      if (readHeader(into.subarray(0, bytes)) !== undefined) {
        result.states[file] = fileState.database
        continue
      }
      if (attributes !== undefined) {
        const more = bytesOf(attributes)
        const fits = xattrBytes + more <= MAX_XATTR_BYTES
        xattrs[file] = fits ? attributes : null
        if (fits) xattrBytes += more
      }
      result.sizes[file] = bytes
      result.states[file] = changed ? fileState.changed : fileState.read
      result.pieces[file] = deps.namer.cut(into.subarray(0, bytes), true)
      at += bytes
    } catch (error) {
      result.states[file] = fileState.failed
      reasons[file] = reasonOf(error)
    }
  }
  return { ...result, ...deps.namer.take(), reasons, xattrs }
}

function readOne(
  disk: BlockingDisk,
  job: ReadJob,
  { file, into }: { file: number; into: Uint8Array },
): { bytes: number; changed: boolean; attributes?: FoundXattrs } {
  const descriptor = disk.open(pathOf(job, file), 'read')
  try {
    const stat = disk.statFile(descriptor)
    if (stat.kind !== 'file') throw Object.assign(new Error('not a file any more'), { code: 'ENXIO' })
    let bytes = 0
    while (bytes < into.length) {
      const count = disk.read(descriptor, into.subarray(bytes), bytes)
      if (count === 0) break
      bytes += count
    }
    const after = disk.statFile(descriptor)
    const changed =
      bytes !== after.size ||
      after.size !== job.sizes[file] ||
      after.mtimeNs !== job.mtimes[file] ||
      BigInt.asIntN(64, after.inode) !== job.inodes[file]
    return { bytes, changed, ...attributesOf(disk, descriptor) }
  } finally {
    disk.close(descriptor)
  }
}

function attributesOf(disk: BlockingDisk, descriptor: number): { attributes?: FoundXattrs } {
  try {
    const attributes = disk.xattrs(descriptor)
    return attributes.length === 0 ? {} : { attributes }
  } catch (error) {
    return { attributes: { error: reasonOf(error) } }
  }
}

function bytesOf(found: FoundXattrs): number {
  return 'error' in found ? 0 : found.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

function pathOf({ paths, pathEnds }: ReadJob, file: number): Buffer {
  const start = file === 0 ? 0 : (pathEnds[file - 1] as number)
  return Buffer.from(paths.buffer, paths.byteOffset + start, (pathEnds[file] as number) - start)
}

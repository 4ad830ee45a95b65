/** Files that say: leave out what is beside me. The directory and the file itself are kept. */
import { equal, utf8 } from '../../base/bytes.ts'
import type { Disk } from '../../base/disk.ts'
import type { Listing } from './listing.ts'

export interface Marker {
  readonly name: Uint8Array
  /** What a regular file of that name must begin with; absent: anything of that name will do. */
  readonly header?: Uint8Array
}

/** https://bford.info/cachedir/ */
export const cacheTag: Marker = {
  name: utf8('CACHEDIR.TAG'),
  header: utf8('Signature: 8a477f597d28d172789f06886806bc55'),
}

/** The name of the marker that a directory with these entries has. */
export async function markerIn(
  directory: { readonly path: Buffer },
  listing: Pick<Listing, 'has'>,
  { disk, markers }: { disk: Disk; markers: readonly Marker[] },
): Promise<Uint8Array | undefined> {
  for (const { name, header } of markers) {
    if (!listing.has(name)) continue
    if (header === undefined || (await beginsWith(Buffer.concat([directory.path, utf8('/'), name]), header, disk)))
      return name
  }
  return undefined
}

/** A file that cannot be read is no marker. */
async function beginsWith(path: Buffer, header: Uint8Array, disk: Disk): Promise<boolean> {
  try {
    const file = await disk.open(path, 'read')
    try {
      const start = Buffer.alloc(header.length)
      return (
        (await file.stat()).kind === 'file' && (await file.read(start, 0)) === header.length && equal(start, header)
      )
    } finally {
      await file.close()
    }
  } catch {
    return false
  }
}

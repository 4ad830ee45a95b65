/**
 * What the first bytes of a SQLite database say, and which files belong to it.
 * Source: https://sqlite.org/fileformat2.html § The Database Header
 */
import { view } from '../../../base/bytes.ts'

export const HEADER_BYTES = 100

export interface DatabaseHeader {
  /** A power of two from 512 to 65,536. */
  readonly pageBytes: number
  /** Written ahead to a log; else with a rollback journal. */
  readonly wal: boolean
}

/** Beside a database these hold what it lacks, or know who uses it. */
export const companionSuffixes = ['-wal', '-shm', '-journal'] as const

/** Whether a name may be that of one of those. */
export function isCompanionName(name: Uint8Array): boolean {
  const end = view(name).toString('latin1', Math.max(0, name.length - LONGEST_SUFFIX))
  return companionSuffixes.some((suffix) => end.endsWith(suffix))
}

const LONGEST_SUFFIX = 8
const MAGIC = Buffer.from('SQLite format 3\0', 'latin1')
const PAGE_SIZE_AT = 16
const WRITE_VERSION_AT = 18
const WAL_VERSION = 2
const LARGEST_PAGE = 65_536

/** Undefined for anything but the beginning of a database. */
export function readHeader(start: Uint8Array): DatabaseHeader | undefined {
  const bytes = view(start)
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const stored = bytes.readUInt16BE(PAGE_SIZE_AT)
  const pageBytes = stored === 1 ? LARGEST_PAGE : stored
  if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) !== 0) return undefined
  return { pageBytes, wal: bytes[WRITE_VERSION_AT] === WAL_VERSION }
}

/**
 * The disk for jobs on threads of their own, where waiting is what the thread is for: the same rules as `Disk`, without
 * promises. A hundred thousand small files cost more in promises than in system calls.
 */
import type { DiskPath, DiskStat, Xattr } from './disk.ts'

export interface BlockingDisk {
  /** A descriptor. `read`: must exist · `create`: must not exist · `update`: must exist. Never follows a final symlink. */
  open(path: DiskPath, how: 'read' | 'create' | 'update', mode?: number): number
  close(file: number): void
  /** Reads at most `into.length` bytes at `position`; returns the count, 0 at the end. */
  read(file: number, into: Uint8Array, position: number): number
  /** Writes all of `from` at `position`. */
  write(file: number, from: Uint8Array, position: number): void
  /** Of an open file. */
  statFile(file: number): DiskStat
  /** Extended attributes of an open file, in the system's order; none where there are none to be had. */
  xattrs(file: number): Xattr[]
  truncate(file: number, size: number): void
  /** Of an open file. */
  chmod(file: number, mode: number): void
  /** Of an open file. */
  chown(file: number, uid: number, gid: number): void
  /** Like `lstat`; undefined where nothing is there. */
  stat(path: DiskPath): DiskStat | undefined
  /** Names in a directory as raw bytes, in no order. */
  readdir(path: DiskPath): Buffer[]
  rename(from: DiskPath, to: DiskPath): void
  /** mtime of the entry itself, as exactly as `Disk` sets it. */
  setMtime(path: Buffer, mtimeNs: bigint): void
  /** Of the entry itself; created or replaced. Throws `VALIDATION_NOT_SUPPORTED` where there are none. */
  setXattr(path: Buffer, xattr: Xattr): void
}

/**
 * The disk as a port, so that faults can be injected and no room below `daemon` imports `node:fs`.
 * Paths are strings, or raw bytes where names need not be UTF-8. Errors are the system's own (`code: 'ENOENT'` …).
 */
export type DiskPath = string | Buffer

export interface DiskStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block'
  /** Permission bits incl. setuid, setgid, sticky: 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly inode: bigint
  readonly device: bigint
  readonly links: number
  readonly blocks: number
  readonly rdev: bigint
}

/** An extended attribute, name and value as raw bytes. POSIX ACLs are `system.posix_acl_access` and `…_default`. */
export type Xattr = readonly [name: Uint8Array, value: Uint8Array]

/** Bytes of an open file that are not a hole: from, and up to but not including `to`. */
export interface DataRange {
  readonly from: number
  readonly to: number
}

export interface SpecialFile {
  readonly kind: 'fifo' | 'char' | 'block'
  readonly mode: number
  /** Major and minor number; of no meaning for a fifo. */
  readonly device: readonly [number, number]
}

/** What this machine can keep; where something is false, its calls fall back or fail with `VALIDATION_NOT_SUPPORTED`. */
export interface DiskSupport {
  /** `setMtime` to the ns, else to the µs. */
  readonly exactTimes: boolean
  /** Else there are none to read and none can be set. */
  readonly xattrs: boolean
  readonly specialFiles: boolean
  /** Else every file is one range of data. */
  readonly holes: boolean
}

export interface DiskFile {
  /** Reads at most `into.length` bytes at `position`; returns the count, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `from` at `position`. */
  write(from: Uint8Array, position: number): Promise<void>
  /** fdatasync. */
  sync(): Promise<void>
  stat(): Promise<DiskStat>
  /** The first range at or after `position` that is not a hole; undefined when only a hole or nothing follows. May end beyond the file. */
  nextData(position: number): Promise<DataRange | undefined>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** `read`: must exist · `create`: must not exist · `write`: created or truncated · `update`: must exist, kept. Never follows a final symlink. */
  open(path: DiskPath, how: 'read' | 'create' | 'write' | 'update', mode?: number): Promise<DiskFile>
  /** Whole file, in `into` where it fits there; throws `VALIDATION_LIMIT` when longer than `maxBytes`. */
  readFile(path: DiskPath, maxBytes: number, into?: Uint8Array): Promise<Buffer>
  /** Writes a temporary file (see `isLeftover`) beside `path`, fdatasyncs, renames over it, fsyncs the directory. Default mode 0600. */
  writeFileAtomic(path: string, data: Uint8Array, mode?: number): Promise<void>
  /** Like `lstat`; undefined where nothing is there. */
  stat(path: DiskPath): Promise<DiskStat | undefined>
  /** Names in a directory as raw bytes, in no order. */
  readdir(path: DiskPath): Promise<Buffer[]>
  /** Creates parents too; existing directories are fine. Default mode 0700. */
  mkdir(path: DiskPath, mode?: number): Promise<void>
  rename(from: DiskPath, to: DiskPath): Promise<void>
  /** Removes a file or link; false where nothing was there. */
  unlink(path: DiskPath): Promise<boolean>
  rmdir(path: DiskPath): Promise<void>
  /** Removes a whole tree; fine where nothing is there. */
  removeTree(path: string): Promise<void>
  symlink(target: Buffer, path: DiskPath): Promise<void>
  readlink(path: DiskPath): Promise<Buffer>
  chmod(path: DiskPath, mode: number): Promise<void>
  /** Of the link itself. */
  chown(path: DiskPath, uid: number, gid: number): Promise<void>
  /** mtime of the entry itself (links are not followed), to the ns where `support` says so, else to the µs. */
  setMtime(path: DiskPath, mtimeNs: bigint): Promise<void>
  readonly support: DiskSupport
  /** A second name for what `from` names; a final link is not followed. `to` must not exist. */
  link(from: DiskPath, to: DiskPath): Promise<void>
  /** `path` must not exist; mode bits are subject to the umask. Devices need privileges. */
  mknod(path: DiskPath, file: SpecialFile): Promise<void>
  /** Extended attributes of the entry itself; none where there are none to be had. */
  xattrs(path: DiskPath): Promise<Xattr[]>
  /** Of the entry itself; created or replaced. */
  setXattr(path: DiskPath, xattr: Xattr): Promise<void>
  /** Of the entry itself; fine where it is not there. */
  removeXattr(path: DiskPath, name: Uint8Array): Promise<void>
  /** fsync of a directory, making names in it durable. */
  syncDirectory(path: DiskPath): Promise<void>
  space(path: string): Promise<{ totalBytes: number; freeBytes: number }>
}

/** Whether a name is that of a temporary file of `writeFileAtomic`: what a crash left, where nobody is writing. */
export function isLeftover(name: string): boolean {
  return /^.+\.[0-9a-f]{12}\.tmp$/.test(name)
}

/** Major and minor number of a device as `stat` gives it in `rdev`. */
export function deviceParts(rdev: bigint): readonly [number, number] {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)
  return [Number(major), Number(minor)]
}

/** The opposite of `deviceParts`. */
export function deviceNumber([major, minor]: readonly [number, number]): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)]
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn)
}

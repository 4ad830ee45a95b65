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

export interface DiskFile {
  /** Reads at most `into.length` bytes at `position`; returns the count, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  /** Writes all of `from` at `position`. */
  write(from: Uint8Array, position: number): Promise<void>
  /** fdatasync. */
  sync(): Promise<void>
  stat(): Promise<DiskStat>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** `read`: must exist · `create`: must not exist · `write`: created or truncated · `update`: must exist, kept. Never follows a final symlink. */
  open(path: DiskPath, how: 'read' | 'create' | 'write' | 'update', mode?: number): Promise<DiskFile>
  /** Whole file; throws `VALIDATION_LIMIT` when longer than `maxBytes`. */
  readFile(path: DiskPath, maxBytes: number): Promise<Buffer>
  /** Writes a temporary file beside `path`, fdatasyncs, renames over it, fsyncs the directory. Default mode 0600. */
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
  /** mtime of the entry itself (links are not followed), as exactly as the platform can: µs here. */
  setMtime(path: DiskPath, mtimeNs: bigint): Promise<void>
  /** fsync of a directory, making names in it durable. */
  syncDirectory(path: DiskPath): Promise<void>
  space(path: string): Promise<{ totalBytes: number; freeBytes: number }>
}

/**
 * The real disk. Never follows a final symlink on open; names are raw bytes. What the runtime does not offer (ns times,
 * extended attributes, special files, holes) comes from libc, where that can be had.
 */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomBytes } from 'node:crypto'
import { view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { Disk, DiskFile, DiskPath, DiskStat } from '../../base/disk.ts'
import { libc, type Libc } from './libc.ts'

export const openFlags = {
  read: constants.O_RDONLY,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  write: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
  update: constants.O_RDWR,
} as const

type Native = 'open' | 'setMtime' | 'support' | 'mknod' | 'xattrs' | 'setXattr' | 'removeXattr'

const runtimeDisk: Omit<Disk, Native> = {
  readFile,
  writeFileAtomic,
  async stat(path) {
    try {
      return toStat(await fs.lstat(path, { bigint: true }))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  readdir: (path) => fs.readdir(path, { encoding: 'buffer' }),
  async mkdir(path, mode = 0o700) {
    await makeDirectory(Buffer.from(path), mode)
  },
  rename: (from, to) => fs.rename(from, to),
  async unlink(path) {
    try {
      await fs.unlink(path)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  },
  rmdir: (path) => fs.rmdir(path),
  removeTree: (path) => fs.rm(path, { recursive: true, force: true, maxRetries: 3 }),
  link: (from, to) => fs.link(from, to),
  symlink: (target, path) => fs.symlink(target, path),
  readlink: (path) => fs.readlink(path, { encoding: 'buffer' }),
  chmod: (path, mode) => fs.chmod(path, mode),
  chown: (path, uid, gid) => fs.lchown(path, uid, gid),
  syncDirectory,
  async space(path) {
    const { bsize, blocks, bavail } = await fs.statfs(path)
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
  },
}

/** The disk with what libc offers: for tests also without. */
export function diskOver(calls: () => Libc): Disk {
  return {
    ...runtimeDisk,
    async open(path, how, mode = 0o600) {
      // O_NONBLOCK: a fifo that took a file's place between stat and open must not hang us.
      const flags = openFlags[how] | constants.O_NOFOLLOW | constants.O_NONBLOCK
      return wrap(await fs.open(path, flags, mode), path, calls)
    },
    async setMtime(path, mtimeNs) {
      const { setMtime } = calls()
      if (setMtime === undefined) await setMtimeUs(path, mtimeNs)
      else setMtime(Buffer.from(path), mtimeNs)
    },
    get support() {
      const { setMtime, xattrs, mknod, nextData } = calls()
      return {
        exactTimes: setMtime !== undefined,
        xattrs: xattrs !== undefined,
        specialFiles: mknod !== undefined,
        holes: nextData !== undefined,
      }
    },
    async mknod(path, file) {
      needed(calls().mknod, 'making special files')(Buffer.from(path), file)
    },
    async xattrs(path) {
      return calls().xattrs?.(Buffer.from(path)) ?? []
    },
    async setXattr(path, xattr) {
      needed(calls().setXattr, 'setting extended attributes')(Buffer.from(path), xattr)
    },
    async removeXattr(path, name) {
      calls().removeXattr?.(Buffer.from(path), name)
    },
  }
}

export const systemDisk: Disk = diskOver(libc)

/**
 * The directory and those above it. Not `recursive`, with which the runtime never ends where a file system has no room
 * for new names, such as /proc.
 */
async function makeDirectory(path: Buffer, mode: number): Promise<void> {
  if (await makeOne(path, mode)) return
  const parent = Buffer.from(dirname(path.toString('latin1')), 'latin1')
  if (!parent.equals(path)) await makeDirectory(parent, mode)
  if (!(await makeOne(path, mode)))
    throw Object.assign(new Error(`ENOENT: nothing can be made at ${String(path)}`), {
      code: 'ENOENT',
      path: String(path),
    })
}

/** False where the directory above is missing. */
async function makeOne(path: Buffer, mode: number): Promise<boolean> {
  try {
    await fs.mkdir(path, { mode })
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await isDirectory(path))) return true
    if (code === 'ENOENT') return false
    throw error
  }
}

async function isDirectory(path: Buffer): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function readFile(path: DiskPath, maxBytes: number, into?: Uint8Array): Promise<Buffer> {
  const file = await systemDisk.open(path, 'read')
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw new PlexiError('VALIDATION_LIMIT', { what: String(path), limit: maxBytes })
    const fits = into !== undefined && size <= into.length
    const bytes = fits ? view(into).subarray(0, size) : Buffer.allocUnsafe(size)
    let at = 0
    while (at < size) {
      const count = await file.read(bytes.subarray(at), at)
      if (count === 0) break
      at += count
    }
    return bytes.subarray(0, at)
  } finally {
    await file.close()
  }
}

async function writeFileAtomic(path: string, data: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await systemDisk.open(temporary, 'create', mode)
  try {
    try {
      await file.write(data, 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.rename(temporary, path)
  } catch (error) {
    // What counts is why it could not be written.
    await fs.rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: DiskPath): Promise<void> {
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Rounds down to the µs, plus half a µs: the runtime truncates a double that may lie just below the wanted value.
 * As text, because it replaces negative numbers by the present time.
 */
export function secondsText(mtimeNs: bigint): string {
  const us = mtimeNs / 1000n - (mtimeNs % 1000n < 0n ? 1n : 0n)
  return String((Number(us) + 0.5) / 1e6)
}

async function setMtimeUs(path: DiskPath, mtimeNs: bigint): Promise<void> {
  const seconds = secondsText(mtimeNs)
  await fs.lutimes(path, seconds, seconds)
}

function needed<T>(call: T | undefined, what: string): T {
  if (call === undefined) throw new PlexiError('VALIDATION_NOT_SUPPORTED', { what: `${what} on this system` })
  return call
}

function wrap(handle: fs.FileHandle, path: DiskPath, calls: () => Libc): DiskFile {
  /** The system names no file where it was given a descriptor: a user with two disks wants to know which is full. */
  const naming = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw Object.assign(error as Error, { path: String(path) })
    }
  }
  return {
    async read(into, position) {
      return (await handle.read(into, 0, into.length, position)).bytesRead
    },
    async write(from, position) {
      let at = 0
      while (at < from.length) {
        at += (await naming(handle.write(from, at, from.length - at, position + at))).bytesWritten
      }
    },
    sync: () => naming(handle.datasync()),
    async stat() {
      return toStat(await handle.stat({ bigint: true }))
    },
    async nextData(position) {
      const { nextData } = calls()
      if (nextData !== undefined) return nextData(handle.fd, position)
      const { size } = await handle.stat()
      return position < size ? { from: position, to: size } : undefined
    },
    truncate: (size) => naming(handle.truncate(size)),
    close: () => handle.close(),
  }
}

interface BigStats {
  mode: bigint
  uid: bigint
  gid: bigint
  size: bigint
  mtimeNs: bigint
  ctimeNs: bigint
  ino: bigint
  dev: bigint
  nlink: bigint
  blocks: bigint
  rdev: bigint
}

export function toStat(stat: BigStats): DiskStat {
  return {
    kind: kinds[Number(stat.mode) & constants.S_IFMT] ?? 'file',
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    inode: stat.ino,
    device: stat.dev,
    links: Number(stat.nlink),
    blocks: Number(stat.blocks),
    rdev: stat.rdev,
  }
}

const kinds: Readonly<Record<number, DiskStat['kind']>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFIFO]: 'fifo',
  [constants.S_IFSOCK]: 'socket',
  [constants.S_IFCHR]: 'char',
  [constants.S_IFBLK]: 'block',
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ENOTDIR'
}

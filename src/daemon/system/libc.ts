/**
 * The few system calls the runtime lacks, through libc: times to the ns, extended attributes (POSIX ACLs among them),
 * special files, ranges of data in sparse files. Linux only; the library is loaded when first needed. Invariant: every
 * entry is optional, whoever lacks one falls back and says so.
 *
 * All calls are synchronous, cost 2 to 3 µs, act on the entry itself (a final link is never followed) and throw errors
 * that look like the runtime's own: `code`, `errno`, `syscall`, `path`. Paths are raw bytes without NUL.
 */
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import type Koffi from 'koffi'
import { deviceNumber, type DataRange, type SpecialFile, type Xattr } from '../../base/disk.ts'

export interface Libc {
  /** Modification time, ns since 1970, exactly. The access time stays. */
  readonly setMtime?: (path: Uint8Array, mtimeNs: bigint) => void
  /** Mode bits are subject to the umask. */
  readonly mknod?: (path: Uint8Array, file: SpecialFile) => void
  /** In the system's order; none where the file system has no attributes. At most 64 KiB of names and of each value. */
  readonly xattrs?: (path: Uint8Array) => Xattr[]
  /** The same of an open file. */
  readonly xattrsOfFile?: (fd: number) => Xattr[]
  /** Creates or replaces. */
  readonly setXattr?: (path: Uint8Array, [name, value]: Xattr) => void
  /** Fine where it is not there. */
  readonly removeXattr?: (path: Uint8Array, name: Uint8Array) => void
  /** The first range at or after `position` that is not a hole; undefined when only a hole or nothing follows. May end beyond the file. */
  readonly nextData?: (fd: number, position: number) => DataRange | undefined
  /** Gives pages back to the system that lie free inside the allocator's arenas, of all threads. */
  readonly trim?: () => void
}

/** What this machine offers; empty where it is not Linux or the library does not load. */
export function libc(): Libc {
  loaded ??= load()
  return loaded
}

let loaded: Libc | undefined

type Call = (...args: readonly (number | bigint | Uint8Array)[]) => number | bigint

interface Library {
  /** A function of libc; undefined where there is none of that name. */
  find(name: string, result: 'int' | 'int64', args: readonly string[]): Call | undefined
  errno(): number
}

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const UTIME_OMIT = (1n << 30n) - 2n
const SEEK_DATA = 3
const SEEK_HOLE = 4
const kindBits = { fifo: 0o010000, char: 0o020000, block: 0o060000 } as const
const bytes = 'uint8_t *'

/** The kernel's own bounds for a list of names and for a value. */
const XATTR_BYTES = 65_536

/** Where `time_t`, `off_t` and `dev_t` have 64 bits, little-endian. */
const machines: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64'])

function load(): Libc {
  if (process.platform !== 'linux' || !machines.has(process.arch)) return {}
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi
    const handle = koffi.load(null)
    const library: Library = {
      find(name, result, args) {
        try {
          return handle.func(name, result, [...args]) as Call
        } catch {
          return undefined
        }
      },
      errno: () => koffi.errno(),
    }
    return {
      ...times(library),
      ...specialFiles(library),
      ...attributes(library),
      ...ranges(library),
      ...allocator(library),
    }
  } catch {
    return {}
  }
}

function allocator(library: Library): Libc {
  const trim = library.find('malloc_trim', 'int', ['size_t'])
  return trim === undefined ? {} : { trim: () => void trim(0) }
}

function times(library: Library): Libc {
  const utimensat = library.find('utimensat', 'int', ['int', bytes, bytes, 'int'])
  if (utimensat === undefined) return {}
  // Two of {seconds, nanoseconds}: access, modification.
  const pair = new BigInt64Array(4)
  const raw = new Uint8Array(pair.buffer)
  return {
    setMtime(path, mtimeNs) {
      const ns = ((mtimeNs % SECOND_NS) + SECOND_NS) % SECOND_NS
      pair[1] = UTIME_OMIT
      pair[2] = (mtimeNs - ns) / SECOND_NS
      pair[3] = ns
      if (utimensat(AT_FDCWD, terminated(path), raw, AT_SYMLINK_NOFOLLOW) !== 0)
        throw failure(library, 'utimensat', path)
    },
  }
}

const SECOND_NS = 1_000_000_000n

function specialFiles(library: Library): Libc {
  const mknod = library.find('mknod', 'int', [bytes, 'uint32', 'uint64'])
  if (mknod === undefined) return {}
  return {
    mknod(path, { kind, mode, device }) {
      if (mknod(terminated(path), kindBits[kind] | mode, deviceNumber(device)) !== 0)
        throw failure(library, 'mknod', path)
    },
  }
}

function attributes(library: Library): Libc {
  const list = library.find('llistxattr', 'int64', [bytes, bytes, 'size_t'])
  const get = library.find('lgetxattr', 'int64', [bytes, bytes, bytes, 'size_t'])
  const listFile = library.find('flistxattr', 'int64', ['int', bytes, 'size_t'])
  const getFile = library.find('fgetxattr', 'int64', ['int', bytes, bytes, 'size_t'])
  const set = library.find('lsetxattr', 'int', [bytes, bytes, bytes, 'size_t', 'int'])
  const remove = library.find('lremovexattr', 'int', [bytes, bytes])
  if (list === undefined || get === undefined || set === undefined || remove === undefined) return {}
  const room = Buffer.allocUnsafeSlow(XATTR_BYTES)
  /** Undefined where there is nothing to be had; else a copy of what the call put into `room`. */
  const taken = (count: number, name: string, path?: Uint8Array): Buffer | undefined => {
    if (count >= 0) return Buffer.from(room.subarray(0, count))
    const error = failure(library, name, path)
    if (nothing.has(error.code)) return undefined
    throw error
  }
  return {
    xattrs(path) {
      const at = terminated(path)
      const listed = Number(list(at, room, XATTR_BYTES))
      if (listed === 0) return []
      return valuesOf(taken(listed, 'llistxattr', path), (name) =>
        taken(Number(get(at, terminated(name), room, XATTR_BYTES)), 'lgetxattr', path),
      )
    },
    ...(listFile === undefined || getFile === undefined
      ? {}
      : {
          xattrsOfFile(fd) {
            const listed = Number(listFile(fd, room, XATTR_BYTES))
            if (listed === 0) return []
            return valuesOf(taken(listed, 'flistxattr'), (name) =>
              taken(Number(getFile(fd, terminated(name), room, XATTR_BYTES)), 'fgetxattr'),
            )
          },
        }),
    setXattr(path, [name, value]) {
      if (set(terminated(path), terminated(name), value, value.length, 0) !== 0)
        throw failure(library, 'lsetxattr', path)
    },
    removeXattr(path, name) {
      if (remove(terminated(path), terminated(name)) === 0) return
      const error = failure(library, 'lremovexattr', path)
      if (!nothing.has(error.code)) throw error
    },
  }
}

/** The file system has no attributes, or this one went while it was looked at. */
const nothing: ReadonlySet<string> = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENODATA'])

function ranges(library: Library): Libc {
  const lseek = library.find('lseek', 'int64', ['int', 'int64', 'int'])
  if (lseek === undefined) return {}
  return {
    nextData(fd, position) {
      const from = Number(lseek(fd, position, SEEK_DATA))
      if (from < 0) {
        const error = failure(library, 'lseek')
        if (error.code === 'ENXIO') return undefined
        // A file system that knows no holes.
        if (error.code === 'EINVAL') return { from: position, to: Number.MAX_SAFE_INTEGER }
        throw error
      }
      const to = Number(lseek(fd, from, SEEK_HOLE))
      if (to < 0) throw failure(library, 'lseek')
      return { from, to }
    },
  }
}

/** Names that went since they were listed are left out. */
function valuesOf(list: Buffer | undefined, value: (name: Buffer) => Buffer | undefined): Xattr[] {
  return namesIn(list).flatMap((name) => {
    const found = value(name)
    return found === undefined ? [] : [[name, found] as const]
  })
}

function namesIn(list: Buffer | undefined): Buffer[] {
  const names: Buffer[] = []
  for (let at = 0; list !== undefined && at < list.length;) {
    const end = list.indexOf(0, at)
    names.push(list.subarray(at, end))
    at = end + 1
  }
  return names
}

/** The bytes with a NUL behind them; a NUL inside would make the call act on something else. */
function terminated(text: Uint8Array): Uint8Array {
  if (text.includes(0)) throw systemError('EINVAL', 'a name with NUL', text)
  const copy = Buffer.allocUnsafe(text.length + 1)
  copy.set(text)
  copy[text.length] = 0
  return copy
}

interface SystemError extends Error {
  code: string
}

function failure(library: Library, syscall: string, path?: Uint8Array): SystemError {
  return systemError(getSystemErrorName(-library.errno()), syscall, path)
}

function systemError(code: string, syscall: string, path?: Uint8Array): SystemError {
  const at = path === undefined ? '' : ` '${Buffer.from(path).toString()}'`
  const error = Object.assign(new Error(`${code}: ${syscall}${at}`), { code, syscall })
  return path === undefined ? error : Object.assign(error, { path: Buffer.from(path).toString() })
}

/** The real disk for jobs on threads of their own. Times are read and set to the ns; a final symlink is never followed. */
import * as fs from 'node:fs'
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import { PlexiError } from '../../base/errors.ts'
import { isMissing, openFlags, secondsText, toStat } from './disk.ts'
import { libc } from './libc.ts'

export const systemBlockingDisk: BlockingDisk = {
  open(path, how, mode = 0o600) {
    // O_NONBLOCK: a fifo that took a file's place between stat and open must not hang us.
    return fs.openSync(path, openFlags[how] | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK, mode)
  },
  close(file) {
    fs.closeSync(file)
  },
  read: (file, into, position) => fs.readSync(file, into, 0, into.length, position),
  write(file, from, position) {
    let at = 0
    while (at < from.length) at += fs.writeSync(file, from, at, from.length - at, position + at)
  },
  statFile: (file) => toStat(fs.fstatSync(file, { bigint: true })),
  xattrs: (file) => libc().xattrsOfFile?.(file) ?? [],
  truncate(file, size) {
    fs.ftruncateSync(file, size)
  },
  chmod(file, mode) {
    fs.fchmodSync(file, mode)
  },
  chown(file, uid, gid) {
    fs.fchownSync(file, uid, gid)
  },
  stat(path) {
    try {
      return toStat(fs.lstatSync(path, { bigint: true }))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  },
  readdir: (path) => fs.readdirSync(path, { encoding: 'buffer' }),
  rename(from, to) {
    fs.renameSync(from, to)
  },
  setMtime(path, mtimeNs) {
    const exact = libc().setMtime
    if (exact !== undefined) {
      exact(path, mtimeNs)
      return
    }
    const seconds = secondsText(mtimeNs)
    fs.lutimesSync(path, seconds, seconds)
  },
  setXattr(path, xattr) {
    const set = libc().setXattr
    if (set === undefined) throw new PlexiError('VALIDATION_NOT_SUPPORTED', { what: 'setting extended attributes' })
    set(path, xattr)
  },
}

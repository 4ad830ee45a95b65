/** A disk that stops taking changes: a crash, as what is written through the port sees it. */
import type { Disk } from '../../src/base/disk.ts'
import { systemDisk } from '../../src/daemon/system/index.ts'

/** The `failAt`-th change below `directory` fails, and every later one. */
export function failingBelow(directory: string, failAt: number): { disk: Disk; changes: () => number } {
  let changes = 0
  const change = async <T>(path: unknown, work: () => Promise<T>): Promise<T> => {
    if (String(path).startsWith(directory) && changes++ >= failAt)
      throw Object.assign(new Error('EIO: no disk'), { code: 'EIO' })
    return work()
  }
  const disk: Disk = {
    ...systemDisk,
    open: (path, how, mode) =>
      how === 'read' ? systemDisk.open(path, how, mode) : change(path, () => systemDisk.open(path, how, mode)),
    syncDirectory: (path) => change(path, () => systemDisk.syncDirectory(path)),
    unlink: (path) => change(path, () => systemDisk.unlink(path)),
    writeFileAtomic: (path, bytes, mode) => change(path, () => systemDisk.writeFileAtomic(path, bytes, mode)),
  }
  return { disk, changes: () => changes }
}

/**
 * Extended attributes of a restored entry: those of the node and no others, as far as whoever restores may set them.
 * To be called after the owner is set, which drops capabilities, and before mode and time.
 */
import { equal, view } from '../../base/bytes.ts'
import type { Disk, DiskPath, Xattr } from '../../base/disk.ts'

/** Attributes that only appear by inheritance or by a user's hand; labels of security modules are the system's to give. */
const removable = ['user.', 'system.posix_acl_']

/** Returns how many could not be set. */
export async function restoreXattrs(disk: Disk, path: DiskPath, wanted: readonly Xattr[] = []): Promise<number> {
  if (!disk.support.xattrs) return wanted.length
  const present = await disk.xattrs(path).catch(() => [])
  let left = 0
  for (const xattr of wanted) {
    if (present.some(([name, value]) => equal(name, xattr[0]) && equal(value, xattr[1]))) continue
    try {
      await disk.setXattr(path, xattr)
    } catch (error) {
      if (!isRefusal(error)) throw error
      left++
    }
  }
  for (const [name] of present) {
    const text = view(name).toString('latin1')
    if (wanted.some(([each]) => equal(each, name)) || !removable.some((start) => text.startsWith(start))) continue
    await disk.removeXattr(path, name).catch(() => undefined)
  }
  return left
}

export function xattrBytes(xattrs: readonly Xattr[] = []): number {
  return xattrs.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

/** No right to set it, or the file system has no room or no such attributes: the file is still worth having. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return (
    code !== undefined &&
    [
      'VALIDATION_NOT_SUPPORTED',
      'EPERM',
      'EACCES',
      'ENOTSUP',
      'EOPNOTSUPP',
      'ENOSPC',
      'E2BIG',
      'EINVAL',
      'ERANGE',
    ].includes(code)
  )
}

/** What the system said, for people. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  return (code === undefined ? undefined : reasons[code]) ?? (error instanceof Error ? error.message : String(error))
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'vanished while it was backed up',
  EIO: 'the disk reports an error',
  ELOOP: 'replaced by a symbolic link while it was backed up',
  ENXIO: 'replaced by a special file while it was backed up',
}

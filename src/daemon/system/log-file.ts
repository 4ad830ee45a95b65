/**
 * A log file of bounded size: when it is full it becomes `.1`, the older ones move up, the oldest goes. Writes are
 * synchronous so that the last line before a crash is there; a full disk loses lines, never the daemon.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export interface LogFileOptions {
  readonly maxBytes: number
  /** Files kept besides the current one. */
  readonly maxOld: number
}

export interface LineSink {
  /** One line, without its end. */
  write(line: string): void
  close(): void
}

export function openLogFile(path: string, options: LogFileOptions): LineSink {
  let handle = open(path)
  let size = fstatSync(handle).size
  const rotate = (): void => {
    closeSync(handle)
    for (let old = options.maxOld; old >= 1; old--)
      moveIfThere(old === 1 ? path : `${path}.${old - 1}`, `${path}.${old}`)
    handle = open(path)
    size = fstatSync(handle).size
  }
  return {
    write(line) {
      const bytes = Buffer.from(`${line}\n`)
      try {
        if (size > 0 && size + bytes.length > options.maxBytes) rotate()
        size += writeSync(handle, bytes)
      } catch {
        // Nowhere left to say so: logging must not stop what is being logged.
      }
    },
    close() {
      closeSync(handle)
    },
  }
}

function open(path: string): number {
  return openSync(path, 'a', 0o600)
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

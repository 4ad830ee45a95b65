/**
 * Fills free memory with page cache, as it is on any machine after a while. In a virtual machine memory that was never
 * used, or was handed back to the host, costs several times as much to write to: whoever came first would pay for all.
 */
import { closeSync, openSync, readFileSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const MiB = 1 << 20
/** Left free at first; filled again when it is twice as much, as a round of reading takes seconds. */
const FREE_BYTES = 1024 * MiB
/** Room on the disk that is left to the stores. */
const DISK_BYTES = 40_000 * MiB
const piece = new Uint8Array(16 * MiB)

export class PageCache {
  readonly #path: string
  readonly #file: number | undefined
  readonly #size: number
  #at = 0

  /** Writes a file as large as memory is free; without room for it, or where that cannot be told, there is none. */
  constructor(path: string) {
    this.#path = path
    const { bavail, bsize } = statfsSync(dirname(path))
    const size = Math.min(freeBytes() - FREE_BYTES, bavail * bsize - DISK_BYTES)
    this.#size = size - (size % piece.length)
    if (this.#size <= 0) return
    this.#file = openSync(path, 'wx+')
    for (let at = 0; at < this.#size; at += piece.length) writeSync(this.#file, piece, 0, piece.length, at)
  }

  /** What is free again takes up what was driven out of the file. */
  fill(): void {
    if (this.#file === undefined) return
    for (let read = 0; read < this.#size && freeBytes() > 2 * FREE_BYTES; read += piece.length) {
      readSync(this.#file, piece, 0, piece.length, this.#at)
      this.#at = (this.#at + piece.length) % this.#size
    }
  }

  /** Its room on the disk is free again. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    rmSync(this.#path, { force: true })
  }
}

function freeBytes(): number {
  try {
    return Number(/MemFree:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

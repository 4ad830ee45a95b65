/**
 * The files of one pouring job: opened when their first bytes come, closed after their last, finished where the job says
 * so. Invariant: at most `MAX_OPEN` are open; a file that failed is touched no more and has no name in the target.
 */
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { BlockingDisk } from '../../base/blocking-disk.ts'
import { isRefusal } from './attributes.ts'
import { refusalOf } from './failures.ts'
import type { Look, PourFailure, PourFile, PourJob, PourResult } from './pour-job.ts'

const MAX_OPEN = 64
const COMPARE_BYTES = 1 << 20

/** Bytes that are written at once. */
export interface Run {
  readonly file: number
  readonly at: number
  bytes: Uint8Array
  pieces: number
}

interface State {
  readonly file: PourFile
  readonly staged: Buffer
  /** Pieces that have yet to come. */
  expected: number
  descriptor: number | undefined
  /** Bytes the file has, where this job made it. */
  length: number | undefined
  done: boolean
}

export class StagedFiles {
  readonly #disk: BlockingDisk
  readonly #verify: boolean
  readonly #states: State[]
  readonly #open = new Set<State>()
  readonly #failed: PourFailure[] = []
  #bytes = 0
  #attributesLeft = 0

  constructor({ files, verify }: PourJob, disk: BlockingDisk) {
    this.#disk = disk
    this.#verify = verify
    this.#states = files.map((file) => {
      const staged = Buffer.from(file.staged, 'latin1')
      return { file, staged, expected: 0, descriptor: undefined, length: undefined, done: false }
    })
  }

  /** Every piece is announced before the first one comes. */
  expect(file: number): void {
    this.#state(file).expected++
  }

  /** `pieces` that lie next to each other come as one. */
  write({ file, bytes, at: position, pieces }: Run): void {
    const state = this.#state(file)
    if (state.done) return
    this.#guard(file, () => {
      const descriptor = this.#descriptor(state)
      this.#disk.write(descriptor, bytes, position)
      if (this.#verify) this.#compare(descriptor, bytes, position)
      this.#bytes += bytes.length
      if (state.length !== undefined) state.length = Math.max(state.length, position + bytes.length)
      state.expected -= pieces
      if (state.expected === 0) this.#end(state)
    })
  }

  fail(file: number, error: unknown): void {
    const state = this.#state(file)
    if (state.done) return
    const { code, message, details } = refusalOf(error) ?? toPlexiError(error)
    this.#failed.push({ file, code, message, details })
    state.done = true
    this.#close(state)
  }

  /** Ends the files that have no content but holes, too. */
  finish(): PourResult {
    for (const [file, state] of this.#states.entries()) if (!state.done) this.#guard(file, () => this.#end(state))
    return { bytes: this.#bytes, failed: this.#failed, attributesLeft: this.#attributesLeft }
  }

  close(): void {
    for (const state of this.#open) this.#close(state)
  }

  #end(state: State): void {
    const { end } = state.file
    if (end !== undefined) {
      const descriptor = this.#descriptor(state)
      // A file system goes through its blocks even where nothing changes.
      if (state.length !== end.size) this.#disk.truncate(descriptor, end.size)
      this.#dress(descriptor, state.staged, end.look)
    }
    this.#close(state)
    if (end !== undefined) this.#disk.rename(state.staged, Buffer.from(end.path, 'latin1'))
    state.done = true
  }

  /** Owner first: giving a file away clears setuid, setgid and capabilities. Time last. */
  #dress(descriptor: number, path: Buffer, { mode, mtimeNs, owner, xattrs = [] }: Look): void {
    if (owner !== undefined) this.#disk.chown(descriptor, owner[0], owner[1])
    for (const xattr of xattrs) {
      try {
        this.#disk.setXattr(path, xattr)
      } catch (error) {
        if (!isRefusal(error)) throw error
        this.#attributesLeft++
      }
    }
    this.#disk.chmod(descriptor, mode)
    this.#disk.setMtime(path, mtimeNs)
  }

  #compare(descriptor: number, bytes: Uint8Array, position: number): void {
    compareSlab ??= Buffer.allocUnsafeSlow(COMPARE_BYTES)
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + COMPARE_BYTES)
      const read = this.#disk.read(descriptor, compareSlab.subarray(0, part.length), position + at)
      if (read === 0 || compareSlab.compare(part, 0, read, 0, read) !== 0)
        throw new PlexiError('STORAGE_IO', { reason: 'what was written reads back differently' })
      at += read
    }
  }

  /** Another thread may have made the file first. */
  #descriptor(state: State): number {
    if (state.descriptor !== undefined) return state.descriptor
    const oldest = this.#open.size < MAX_OPEN ? undefined : this.#open.values().next().value
    if (oldest !== undefined) this.#close(oldest)
    state.descriptor = this.#openFile(state)
    this.#open.add(state)
    return state.descriptor
  }

  #openFile(state: State): number {
    const { file, staged } = state
    try {
      const descriptor = this.#disk.open(staged, file.shared ? 'update' : 'create')
      if (!file.shared) state.length = 0
      return descriptor
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' && file.shared) return this.#createShared(staged)
      if (code === 'EEXIST') return this.#disk.open(staged, 'update')
      throw error
    }
  }

  #createShared(staged: Buffer): number {
    try {
      return this.#disk.open(staged, 'create')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return this.#disk.open(staged, 'update')
    }
  }

  #close(state: State): void {
    this.#open.delete(state)
    if (state.descriptor === undefined) return
    const { descriptor } = state
    state.descriptor = undefined
    this.#disk.close(descriptor)
  }

  #guard(file: number, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(file, error)
    }
  }

  #state(file: number): State {
    const state = this.#states[file]
    if (state === undefined) throw new PlexiError('SYSTEM_UNEXPECTED', { reason: 'no such file in this job' })
    return state
  }
}

let compareSlab: Buffer | undefined

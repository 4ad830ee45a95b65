/** Files in the making: written at any position from several shards, with a bounded number of them open. */
import type { Disk, DiskFile } from '../../base/disk.ts'
import type { TreeNode } from '../tree/node.ts'

export interface FileJob {
  readonly path: Buffer
  readonly node: TreeNode
  /** Content bytes that have yet to come, holes excluded. */
  missing: number
  failed: boolean
  done: boolean
  staged?: string
}

interface Open {
  readonly file: DiskFile
  busy: number
}

const MAX_OPEN = 128

export class StagedFiles {
  readonly #disk: Disk
  readonly #newPath: () => string
  readonly #open = new Map<FileJob, Promise<Open>>()

  constructor(disk: Disk, newPath: () => string) {
    this.#disk = disk
    this.#newPath = newPath
  }

  async write(job: FileJob, bytes: Uint8Array, position: number): Promise<void> {
    const open = await this.#acquire(job)
    try {
      await open.file.write(bytes, position)
    } finally {
      open.busy--
    }
  }

  /** Path of the complete content: closed, exactly as long as the node says. */
  async complete(job: FileJob): Promise<string> {
    const { file } = await this.#acquire(job)
    this.#open.delete(job)
    try {
      await file.truncate(job.node.size ?? 0)
    } finally {
      await file.close()
    }
    return job.staged ?? ''
  }

  async discard(job: FileJob): Promise<void> {
    const open = this.#open.get(job)
    this.#open.delete(job)
    await (await open?.catch(() => undefined))?.file.close()
    if (job.staged !== undefined) await this.#disk.unlink(job.staged)
  }

  async #acquire(job: FileJob): Promise<Open> {
    const known = this.#open.get(job)
    const opening = known ?? this.#openNow(job)
    if (known === undefined) this.#open.set(job, opening)
    const open = await opening
    open.busy++
    if (known === undefined) await this.#shrink()
    return open
  }

  async #openNow(job: FileJob): Promise<Open> {
    if (job.staged !== undefined) return { file: await this.#disk.open(job.staged, 'update'), busy: 0 }
    job.staged = this.#newPath()
    return { file: await this.#disk.open(job.staged, 'create'), busy: 0 }
  }

  async #shrink(): Promise<void> {
    for (const [job, opening] of this.#open) {
      if (this.#open.size <= MAX_OPEN) return
      const open = await opening
      if (open.busy > 0 || this.#open.get(job) !== opening) continue
      this.#open.delete(job)
      await open.file.close()
    }
  }
}

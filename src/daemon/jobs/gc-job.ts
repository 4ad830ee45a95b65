/** Cleaning up at home as a job: orphans of the outbox, index entries of no use, free pages, the cache. */
import { join } from 'node:path'
import type { BackupEngine } from '../../backup/index.ts'
import type { Disk } from '../../base/disk.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'

export interface GcJobDeps {
  readonly engine: Pick<BackupEngine, 'collectGarbage'>
  readonly disk: Disk
  /** What lies here can be had again. */
  readonly cache: string
}

export class GcJob implements JobHandler {
  readonly #deps: GcJobDeps

  constructor(deps: GcJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { type: _, ...summary } = await this.#deps.engine.collectGarbage(context.signal)
    await this.#clearCache(context.signal)
    return { summary, pending: false }
  }

  async #clearCache(signal: AbortSignal): Promise<void> {
    const { disk, cache } = this.#deps
    if ((await disk.stat(cache)) === undefined) return
    for (const name of await disk.readdir(cache)) {
      signal.throwIfAborted()
      await disk.removeTree(join(cache, String(name)))
    }
  }
}

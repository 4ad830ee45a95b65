/** Trying a remote as a job: reading a whole disk takes long. */
import type { RemoteTestSummary } from '../../api/index.ts'
import type { BackupEngine } from '../../backup/index.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { progressEvent } from './translate.ts'

export interface RemoteTestJobRequest {
  readonly id: string
  readonly all: boolean
}

export class RemoteTestJob implements JobHandler {
  readonly #deps: { readonly engine: Pick<BackupEngine, 'remotes'>; readonly changed: () => void }

  constructor(deps: { engine: Pick<BackupEngine, 'remotes'>; changed: () => void }) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { id, all } = context.request as RemoteTestJobRequest
    let summary: RemoteTestSummary | undefined
    for await (const event of this.#deps.engine.remotes.test(id, all, context.signal)) {
      if (event.type === 'progress') context.emit(progressEvent('checking', event))
      else {
        const { type: _, freeBytes: free, totalBytes: total, bad, ...rest } = event
        summary = { ...rest, free, total, bad: [...bad] }
      }
    }
    if (summary === undefined) throw new Error('a test without a summary')
    // What was found missing or damaged is copied again.
    this.#deps.changed()
    return { summary, pending: false }
  }
}

/** A check as a job: who should hold what, and on request whether the bytes are right. */
import type { VerifySummary } from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { noteEvent, progressEvent } from './translate.ts'

export interface VerifyJobRequest {
  /** Absent: everything. */
  readonly snapshot?: string
  readonly readDataPercent: number
}

export interface VerifyJobDeps {
  readonly engine: Pick<engine.BackupEngine, 'verify'>
  readonly nameOf: (peer: string) => string | null
}

export class VerifyJob implements JobHandler {
  readonly #deps: VerifyJobDeps

  constructor(deps: VerifyJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    let summary: VerifySummary | undefined
    for await (const event of this.#deps.engine.verify(context.request as VerifyJobRequest, context.signal)) {
      if (event.type === 'progress') context.emit(progressEvent('checking', event))
      else if (event.type === 'note') context.emit(noteEvent(event, this.#deps.nameOf))
      else summary = apiSummary(event)
    }
    if (summary === undefined) throw new Error('a check without a summary')
    return { summary, pending: false }
  }
}

function apiSummary(summary: engine.VerifySummary): VerifySummary {
  const { checked, bad, lostStripes, snapshotsHit, filesHit } = summary
  return {
    ok: summary.ok,
    checked: checked.shards,
    bad: bad.map(({ shardId, stripe, index, peer, why, detail }) => ({
      shard: shardId,
      stripe,
      index,
      peer,
      why,
      detail,
    })),
    seconds: summary.seconds,
    ...{ snapshots: checked.snapshots, stripes: checked.stripes, bytes: checked.bytes },
    ...{ lostStripes, snapshotsHit, filesHit },
  }
}

/** Seeds as jobs: writing one for a host, and taking one in. Spec: docs/spec/07-seed.md */
import type { AdoptSummary, SeedSummary } from '../../api/index.ts'
import type { BackupEngine } from '../../backup/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { openReceipt, type PlexiNode } from '../../node/index.ts'
import { SHARD_BYTES } from '../../shard/index.ts'
import type { Device } from '../identity/device.ts'
import type { JobContext, JobHandler, Summary } from './handler.ts'
import { progressEvent } from './translate.ts'

export interface SeedJobDeps {
  readonly engine: Pick<BackupEngine, 'remotes'>
  readonly device: Device
  readonly nameOf: (peer: string) => string | null
  /** Receipts came back: stripes may be whole. */
  readonly placed: () => void
}

export class SeedJob implements JobHandler {
  readonly #deps: SeedJobDeps

  constructor(deps: SeedJobDeps) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { engine, device, nameOf, placed } = this.#deps
    const { path: directory, host } = context.request as { path: string; host: PeerKey }
    const { vault } = device.keys
    const { certificate } = device.keys
    const request = {
      ...{ directory, host, certificate },
      openReceipt: (signed: Uint8Array, shardId: Parameters<typeof openReceipt>[1]['shardId']) =>
        openReceipt(signed, { host, vault, shardId }),
    }
    let summary: SeedSummary | undefined
    for await (const event of engine.remotes.seed(request, context.signal)) {
      if (event.type === 'progress') context.emit(progressEvent('copying', event))
      else {
        const { shards, bytes, left, receipts, seconds } = event
        summary = { path: directory, peer: host, name: nameOf(host), shards, bytes, left, receipts, seconds }
      }
    }
    if (summary === undefined) throw new Error('a seed without a summary')
    if (summary.receipts > 0) placed()
    return { summary, pending: false }
  }
}

export class AdoptJob implements JobHandler {
  readonly #deps: { readonly node: Pick<PlexiNode, 'adoptSeed'>; readonly clock: Clock }

  constructor(deps: { node: Pick<PlexiNode, 'adoptSeed'>; clock: Clock }) {
    this.#deps = deps
  }

  async run(context: JobContext): Promise<{ summary: Summary; pending: boolean }> {
    const { node, clock } = this.#deps
    const begun = clock.elapsed()
    const { path } = context.request as { path: string }
    let summary: AdoptSummary | undefined
    for await (const event of node.adoptSeed(path, context.signal)) {
      if (event.type === 'progress') context.emit(copied(event.done, event.total))
      else {
        const { type: _, bad, ...rest } = event
        summary = { ...rest, bad: [...bad], seconds: (clock.elapsed() - begun) / 1000 }
      }
    }
    if (summary === undefined) throw new Error('a seed without a summary')
    return { summary, pending: false }
  }
}

function copied(files: number, filesTotal: number) {
  const bytes = files * SHARD_BYTES
  return { type: 'progress', phase: 'copying', files, filesTotal, bytes, bytesTotal: filesTotal * SHARD_BYTES } as const
}

/** What this node lends to others, over the API. */
import { isAbsolute } from 'node:path'
import type { Hosting, HostingService, Job } from '../../api/index.ts'
import { vaultText, type VaultId } from '../../crypto/ids.ts'
import type { HostedShard, PlexiNode } from '../../node/index.ts'
import { bytesText } from '../../config/quantity.ts'
import { equal } from '../../base/bytes.ts'
import { isoTime } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { JobRunner } from '../jobs/runner.ts'
import type { LiveSettings } from '../live-settings.ts'

const reasons = {
  offer: 'what is offered is used up',
  disk: 'the disk must keep its reserve',
  paused: 'hosting is paused',
  vault: 'this vault has used its share',
  vaults: 'no more vaults are taken',
} as const

export interface HostingDeps {
  readonly node: PlexiNode
  readonly settings: LiveSettings
  readonly jobs: JobRunner
  /** The own one. */
  readonly vault: VaultId
}

export class HostingDesk implements HostingService {
  readonly #deps: HostingDeps

  constructor(deps: HostingDeps) {
    this.#deps = deps
  }

  async show(): Promise<Hosting> {
    const { node } = this.#deps
    const { offerBytes, usedBytes, freeBytes, full, vaults } = await node.hosting.summary()
    const leases = await firstLeases(node.hosting.list())
    return {
      offer: offerBytes,
      used: usedBytes,
      free: freeBytes,
      full: full === undefined ? null : reasons[full],
      // The own vault's terms are known here too; it is listed only when another device of it stores something.
      vaults: vaults
        .filter(({ vault, shards }) => shards > 0 || !equal(vault, this.#deps.vault))
        .map(({ vault, peer, vouched, shards, bytes }) => {
          const lease = leases.get(vaultText(vault))
          return {
            ...{ vouched, shards, bytes },
            vault: vaultText(vault),
            peer: peer?.peer ?? null,
            name: peer === undefined || peer.name === '' ? null : peer.name,
            released: 0,
            leaseUntil: lease === undefined ? null : isoTime(lease),
            lastRenewed: null,
          }
        }),
    }
  }

  /** The setting is written, so that it holds after a restart; the listener of the settings resizes the store. */
  async resize(offerBytes: number): Promise<Hosting> {
    await this.#deps.settings.change({ 'hosting.offer': bytesText(offerBytes) })
    this.#deps.node.hosting.resize(offerBytes)
    return await this.show()
  }

  async adopt(path: string): Promise<Job> {
    if (!isAbsolute(path)) throw new PlexiError('VALIDATION_USAGE', { reason: `not an absolute path: ${path}` })
    return this.#deps.jobs.submit('adopt', { title: `take in the seed ${path}`.slice(0, 300), request: { path } })
  }
}

/** Per vault, when the first of its leases ends. */
async function firstLeases(shards: AsyncIterable<HostedShard>): Promise<Map<string, number>> {
  const first = new Map<string, number>()
  for await (const { vault, leaseUntil } of shards) {
    const key = vaultText(vault)
    first.set(key, Math.min(first.get(key) ?? Number.MAX_SAFE_INTEGER, leaseUntil))
  }
  return first
}

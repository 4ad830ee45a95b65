/** Hosts as plain folders, laid out as real ones keep them: what an owner would collect from friends after a disaster. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../../src/base/bytes.ts'
import { peerKeyOf, type PeerKey, type VaultId } from '../../src/crypto/ids.ts'
import { encodeHeadFile } from '../../src/node/host/head-shelf.ts'
import {
  groupId,
  openNotice,
  type FetchOutcome,
  type FetchRequest,
  type HeadBundle,
  type PlaceEvent,
  type PlaceRequest,
  type PlacementGroup,
  type ShardNetwork,
} from '../../src/shard/index.ts'

export class FolderHosts implements ShardNetwork {
  readonly #root: string
  readonly #vault: string
  readonly #group: PlacementGroup
  readonly hosts: readonly PeerKey[]

  constructor(root: string, shape: { k: number; n: number; vault: VaultId }) {
    this.#root = root
    this.#vault = toHex(shape.vault)
    this.hosts = Array.from({ length: shape.n }, (_, i) => peerKeyOf(new Uint8Array(32).fill(i + 1)))
    this.#group = {
      id: groupId(new Uint8Array(16).fill(7)),
      version: 1,
      k: shape.k,
      n: shape.n,
      slots: this.hosts.map((peer) => ({ host: { peer, addresses: [] }, former: [] })),
      standbys: [],
      returnRates: this.hosts.map(() => 0.98),
    }
  }

  folder(index: number): string {
    return join(this.#root, `host-${index}`, 'hosted', this.#vault)
  }

  async currentGroup(): Promise<PlacementGroup> {
    return this.#group
  }

  groups(): readonly PlacementGroup[] {
    return [this.#group]
  }

  async adoptGroups(): Promise<void> {}

  async *place({ stripe, held, read }: PlaceRequest): AsyncGenerator<PlaceEvent> {
    for (const [index, shardId] of stripe.ids.entries()) {
      if (held.has(index)) continue
      const bytes = await read(index)
      await mkdir(this.folder(index), { recursive: true })
      await writeFile(join(this.folder(index), toHex(shardId)), bytes)
      const host = this.hosts[index]!
      const receipt = { shardId, host, number: 1, bytes: bytes.length, time: 0, signed: new Uint8Array(0) }
      yield { type: 'receipt', index, receipt }
    }
    yield { type: 'done', missing: [] }
  }

  async fetch({ stripe, index }: FetchRequest): Promise<FetchOutcome> {
    const bytes = await readFile(join(this.folder(index), toHex(stripe.ids[index]!)))
    return { ok: true, bytes, from: this.hosts[index]!, faults: [] }
  }

  async locate(): Promise<[]> {
    return []
  }

  async release(): Promise<{ confirmed: number; faults: [] }> {
    return { confirmed: this.hosts.length, faults: [] }
  }

  async publishHead(bundle: HeadBundle): Promise<{ hosts: PeerKey[]; faults: [] }> {
    const { device } = openNotice(bundle.notice)
    for (const index of this.hosts.keys()) {
      await mkdir(this.folder(index), { recursive: true })
      const { notice, sealed, authority } = bundle
      const file = encodeHeadFile({ notice, sealed, authority, records: [] })
      await writeFile(join(this.folder(index), `head-${device}`), file)
      await writeFile(join(this.folder(index), 'terms'), bundle.terms)
    }
    return { hosts: [...this.hosts], faults: [] }
  }

  async findHeads(): Promise<[]> {
    return []
  }
}

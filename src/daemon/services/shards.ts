/** Shards over the API: those of this vault, wherever they are, and those kept here for others. Ids may be shortened. */
import type {
  HolderRow,
  ShardCheck,
  ShardDetail,
  ShardFilter,
  ShardProof,
  ShardRow,
  ShardService,
} from '../../api/index.ts'
import type * as engine from '../../backup/index.ts'
import { equal, fromHex, toHex } from '../../base/bytes.ts'
import { isoTime } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import { vaultText } from '../../crypto/ids.ts'
import { merkleProof, verifyMerkleProof } from '../../crypto/merkle.ts'
import type { HostedShard, PlexiNode } from '../../node/index.ts'
import { LEAF_BYTES, LEAVES, SHARD_BYTES, shardId, shardLeafHashes, shardRoot, type Holder } from '../../shard/index.ts'
import type { People } from '../people.ts'

export interface ShardsDeps {
  readonly engine: engine.BackupEngine
  readonly node: PlexiNode
  readonly people: People
}

type Found = { readonly own: engine.ShardInfo } | { readonly hosted: HostedShard }

export class Shards implements ShardService {
  readonly #deps: ShardsDeps

  constructor(deps: ShardsDeps) {
    this.#deps = deps
  }

  async *list(filter: ShardFilter): AsyncGenerator<ShardRow> {
    if (filter.hosted === true) {
      for await (const shard of this.#deps.node.hosting.list()) yield this.#hostedRow(shard)
      return
    }
    const peer = filter.peer === undefined ? undefined : this.#deps.node.peers.show(filter.peer).peer
    const shards = this.#deps.engine.shards({
      ...(filter.snapshot === undefined ? {} : { snapshot: filter.snapshot }),
      ...(peer === undefined ? {} : { peer }),
    })
    const names = this.#deps.people.names()
    for (const shard of shards) yield ownRow(shard, names)
  }

  async get(id: string, signal: AbortSignal): Promise<ShardDetail> {
    const found = await this.#find(id)
    if ('hosted' in found) return this.#hostedDetail(found.hosted)
    const detail = await this.#deps.engine.shard(shardId(fromHex(found.own.id)), signal)
    return {
      ...ownRow(detail, new Map()),
      ...{ epoch: detail.epoch, suite: detail.suite },
      holders: detail.holders.map((holder) => this.#holder(holder)),
      chunks: detail.kind === 'parity' ? null : detail.chunks.length,
      why: whyText(detail),
      snapshots: detail.why.map(({ snapshot }) => snapshot),
    }
  }

  async proof(id: string, leaf: number, signal: AbortSignal): Promise<ShardProof> {
    const found = await this.#find(id)
    const bytes = await this.#bytes(found, signal)
    const root = shardRoot(bytes)
    const hashes = shardLeafHashes(bytes)
    const path = merkleProof(hashes, leaf)
    const data = bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)
    const leafHash = hashes[leaf] ?? new Uint8Array(32)
    const expected = fromHex(idOf(found))
    return {
      id: idOf(found),
      leaf,
      data: toHex(data),
      path: path.map(toHex),
      root: toHex(root),
      ok: verifyMerkleProof({ leafHash, index: leaf, count: LEAVES, path, root: expected }),
    }
  }

  async verify(id: string, signal: AbortSignal): Promise<ShardCheck> {
    const found = await this.#find(id)
    const bytes = await this.#bytes(found, signal)
    const whole = bytes.length === SHARD_BYTES
    const root = whole ? shardRoot(bytes) : new Uint8Array(32)
    return { ok: whole && equal(root, fromHex(idOf(found))), id: idOf(found), root: toHex(root), leaves: LEAVES }
  }

  async locate(id: string, signal: AbortSignal): Promise<{ id: string; holders: HolderRow[] }> {
    const found = await this.#find(id)
    if ('hosted' in found) return { id: idOf(found), holders: [this.#here(found.hosted)] }
    const { holders } = await this.#deps.engine.shard(shardId(fromHex(found.own.id)), signal)
    return { id: idOf(found), holders: holders.map((holder) => this.#holder(holder)) }
  }

  async fetch(id: string, signal: AbortSignal): Promise<Uint8Array> {
    const found = await this.#find(id)
    const bytes = await this.#bytes(found, signal)
    if (bytes.length !== SHARD_BYTES || !equal(shardRoot(bytes), fromHex(idOf(found)))) {
      throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: idOf(found) })
    }
    return bytes
  }

  #bytes(found: Found, signal: AbortSignal): Promise<Uint8Array> {
    if ('hosted' in found) return this.#deps.node.hosting.read(found.hosted)
    return this.#deps.engine.fetchShard(shardId(fromHex(found.own.id)), signal)
  }

  /** Own shards first. Throws `STORAGE_SHARD_NOT_FOUND`, also where a start of an id fits several. */
  async #find(start: string): Promise<Found> {
    const own = this.#ownNamed(start)
    if (own.length > 1) throw ambiguous(start)
    if (own[0] !== undefined) return { own: own[0] }
    let hosted: HostedShard | undefined
    for await (const shard of this.#deps.node.hosting.list()) {
      if (!toHex(shard.id).startsWith(start)) continue
      if (hosted !== undefined) throw ambiguous(start)
      hosted = shard
    }
    if (hosted === undefined) throw new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: start })
    return { hosted }
  }

  #ownNamed(start: string): engine.ShardInfo[] {
    const { engine } = this.#deps
    if (start.length === 64) return engine.shards({ id: shardId(fromHex(start)) })
    return engine.shards({}).filter(({ id }) => id.startsWith(start))
  }

  /** Asks nobody: what is hosted can be described from here alone. */
  #hostedDetail(shard: HostedShard): ShardDetail {
    return {
      ...this.#hostedRow(shard),
      ...{ epoch: null, suite: null, chunks: null, snapshots: [] },
      holders: [this.#here(shard)],
      why: `kept for vault ${vaultText(shard.vault).slice(0, 12)}, put number ${shard.number}`,
    }
  }

  #hostedRow({ id, vault }: HostedShard): ShardRow {
    return {
      ...{ id: toHex(id), kind: 'unknown', stripe: null, index: null, k: null, n: null },
      holders: [{ peer: this.#deps.node.peer, name: null }],
      state: 'hosted',
      vault: vaultText(vault),
      bytes: SHARD_BYTES,
    }
  }

  #here(shard: HostedShard): HolderRow {
    const { peer } = this.#deps.node
    return { peer, name: null, state: 'held', lastAudit: null, leaseUntil: isoTime(shard.leaseUntil) }
  }

  #holder(holder: Holder): HolderRow {
    const { peer, state, leaseUntil } = holder
    const name = this.#deps.people.nameOf(peer)
    return { peer, name, state, lastAudit: null, leaseUntil: leaseUntil === undefined ? null : isoTime(leaseUntil) }
  }
}

function ownRow(info: engine.ShardInfo, names: ReadonlyMap<string, string>): ShardRow {
  const { id, kind, stripe, index, k, n, host } = info
  const holders = host === null ? [] : [{ peer: host, name: names.get(host) ?? null }]
  const state = host === null ? 'local' : 'placed'
  return { ...{ id, kind, stripe, index, k, n, holders, state }, vault: null, bytes: SHARD_BYTES }
}

function whyText({ kind, k, n, why }: engine.ShardDetail): string {
  const role = kind === 'parity' ? `parity of a ${k ?? 0}-of-${n ?? 0} stripe` : kind
  if (why.length === 0) return `${role}; no snapshot needs it`
  const paths = why.flatMap(({ paths: some }) => some)
  const shown = [...new Set(paths)].slice(0, 3).join(', ')
  const count = why.length === 1 ? 'one snapshot needs it' : `${why.length} snapshots need it`
  return shown === '' ? `${role}; ${count}` : `${role}; ${count}: ${shown}`
}

function idOf(found: Found): string {
  return 'own' in found ? found.own.id : toHex(found.hosted.id)
}

function ambiguous(start: string): PlexiError {
  return new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: start, reason: 'several shards begin like that' })
}

/**
 * What a restore would take, without restoring anything: whose machines are needed, how many bytes move, about how long.
 * Spec: docs/BACKUP_SYSTEM.md § Restoring. Invariant: nothing is written; the rate is measured by fetching a few shards.
 */
import { toHex } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import { SHARD_BYTES, type ChunkId } from '../../shard/index.ts'
import { mapBounded } from '../../base/queue.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import type { ShardRow } from '../catalogue/shard-rows.ts'
import type { RestorePlan, RestoreRequest, RestoreSummary } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, splitReference } from '../snapshot/find.ts'
import { lookup } from '../tree/lookup.ts'
import type { TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { Failures } from './failures.ts'
import { selected } from './selected.ts'

/** Shards that are fetched to find out how fast it goes. */
const PROBES = 4
/** Plain bytes a second that are opened and written besides: a careful guess, hosts are slower. */
const LOCAL_RATE = 200e6

export class PlanRun {
  readonly #session: Session
  readonly #request: RestoreRequest
  readonly #signal: AbortSignal
  readonly #tree: TreeReader
  readonly #locate: (chunk: ChunkId) => ShardRow | undefined
  readonly #shards = new Map<number, ShardRow>()
  readonly #failed = new Failures()
  readonly #count = { files: 0, dirs: 0, bytes: 0 }

  constructor(session: Session, request: RestoreRequest, signal: AbortSignal) {
    this.#session = session
    this.#request = request
    this.#signal = signal
    this.#tree = session.tree(signal)
    this.#locate = session.chunks.streamLocator()
  }

  async run(): Promise<RestoreSummary> {
    const { parts } = this.#session
    const startedAt = parts.clock.elapsed()
    const reference = splitReference(this.#request.snapshot)
    const named = findSnapshot(parts, reference.snapshot, this.#request.filter)
    const { at: found } = await lookup(this.#tree, named, this.#request.path ?? reference.path ?? '')
    for await (const entry of selected(found, { tree: this.#tree, fullPaths: false })) {
      this.#signal.throwIfAborted()
      if ('error' in entry) this.#failed.add(entry.path, entry.error)
      else await this.#entry(entry.path, entry.node)
    }
    const plan = await this.#plan()
    const seconds = (parts.clock.elapsed() - startedAt) / 1000
    return { type: 'summary', ...this.#count, unchanged: 0, seconds, failed: this.#failed.list(), plan }
  }

  async #entry(path: Buffer, node: TreeNode): Promise<void> {
    if (node.type === 'dir') this.#count.dirs++
    if (node.content === undefined) return
    this.#count.files++
    this.#count.bytes += node.size ?? 0
    try {
      for await (const { chunk } of this.#tree.extents(node.content, node.size ?? 0))
        if (chunk !== null) this.#need(chunk)
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#failed.add(path, error)
    }
  }

  /** Throws `STORAGE_NOT_FOUND` for a chunk nobody knows, as restoring would. */
  #need(chunk: ChunkId): void {
    const row = this.#locate(chunk)
    if (row !== undefined) this.#shards.set(row.no, row)
    else if (!this.#session.parts.inline.holds(chunk))
      throw new PlexiError('STORAGE_NOT_FOUND', { what: `chunk ${toHex(chunk)}` })
  }

  async #plan(): Promise<RestorePlan> {
    const { stripes } = this.#session.parts.catalogue
    const rows = [...this.#shards.values()].sort((a, b) => a.no - b.no)
    const away = rows.filter((row) => !row.inOutbox)
    const hosts = new Map<PeerKey, number>()
    let unknown = 0
    for (const { stripe, position } of away) {
      const host = stripe === null || position === null ? undefined : stripes.receipts(stripe).get(position)
      if (host === undefined) unknown++
      else hosts.set(host, (hosts.get(host) ?? 0) + 1)
    }
    const bytesPerSecond = await this.#measure(away)
    const fetchBytes = away.length * SHARD_BYTES
    const moving = bytesPerSecond === null ? null : fetchBytes / bytesPerSecond
    return {
      shards: rows.length,
      local: rows.length - away.length,
      fetchBytes,
      hosts: [...hosts]
        .map(([peer, shards]) => ({ peer, shards, bytes: shards * SHARD_BYTES }))
        .sort((a, b) => b.shards - a.shards),
      unknown,
      bytesPerSecond,
      estimatedSeconds:
        moving === null && fetchBytes > 0 ? null : Math.max(moving ?? 0, this.#count.bytes / LOCAL_RATE),
    }
  }

  /** Null where there is nothing to fetch, or nobody to fetch it from. */
  async #measure(away: readonly ShardRow[]): Promise<number | null> {
    const { clock } = this.#session.parts
    const startedAt = clock.elapsed()
    const got = await mapBounded(away.slice(0, PROBES), PROBES, (row) =>
      this.#session.reader.bytes(row, this.#signal).then(
        (bytes) => bytes.length,
        () => 0,
      ),
    )
    const bytes = got.reduce((sum, length) => sum + length, 0)
    return bytes === 0 ? null : bytes / Math.max(0.001, (clock.elapsed() - startedAt) / 1000)
  }
}

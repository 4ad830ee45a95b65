/**
 * What a believed head names, taken into catalogue and index. Spec: docs/spec/04-snapshot-and-head.md § Publishing.
 * Invariants: idempotent, so a crash in between costs nothing; index before catalogue; nothing made here is changed, and
 * where a chunk is known already it stays found where it was, unless that place may go.
 */
import { concat, toHex } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { encode } from '../../crypto/codec.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { chunkIdOf, type ChunkId, type StripeRecord } from '../../shard/index.ts'
import { PREFIX_BYTES, prefixesOf } from '../catalogue/chunk-index.ts'
import type { HeadBody } from '../head/head-body.ts'
import { openFrame, type InlineFrame } from '../head/inline.ts'
import {
  decodeSegment,
  rootPlain,
  type IndexRoot,
  type IndexSegment,
  type SegmentShard,
} from '../head/segment-codec.ts'
import type { Parts } from '../parts.ts'
import type { ChunkReader } from '../read/chunk-reader.ts'
import type { ShardReader } from '../read/shard-reader.ts'
import { decodeSnapshot, decodeSnapshotList } from '../snapshot/snapshot.ts'
import type { Alarm } from './choose-heads.ts'

/** What taking over a head needs of an open engine. */
export interface Readers {
  readonly parts: Parts
  readonly reader: ShardReader
  readonly chunks: ChunkReader
}

/** Numbers of the catalogue's rows for everything the head names. */
export interface Named {
  readonly stripes: Set<number>
  readonly tails: Set<number>
  readonly snapshots: Set<number>
  readonly lists: Set<number>
  readonly roots: Set<number>
  /** False when part of it could not be read: what is missing from the sets may be named all the same. */
  complete: boolean
}

export interface ReadUse {
  /** A head of this device itself: its own head goes on naming all of this. */
  readonly own: boolean
  readonly signal: AbortSignal
  readonly alarms: Alarm[]
  /** Snapshots that count no more, in hex. */
  readonly forgotten: ReadonlySet<string>
}

export function nothingNamed(): Named {
  const none = { stripes: new Set<number>(), tails: new Set<number>(), snapshots: new Set<number>() }
  return { ...none, lists: new Set(), roots: new Set(), complete: true }
}

export class HeadReader {
  readonly #session: Readers
  readonly #parts: Parts
  readonly #body: HeadBody
  readonly #use: ReadUse
  readonly #named: Named

  /** Adds to `named`: a fork has two heads that count together. */
  constructor(session: Readers, body: HeadBody, use: ReadUse & { named: Named }) {
    this.#session = session
    this.#parts = session.parts
    this.#body = body
    this.#use = use
    this.#named = use.named
  }

  async run(): Promise<void> {
    await this.#parts.network.adoptGroups(this.#body.groups)
    for (const root of this.#body.roots) await this.#root(root)
    const segments = this.#body.segments.map(decodeSegment)
    for (const segment of segments) await this.#segment(segment)
    this.#markTail(segments.at(-1)?.stripes.at(-1))
    this.#checkInline()
    if (this.#use.own) this.#takeInline()
    await this.#older()
    await this.#snapshots()
  }

  get frames(): readonly InlineFrame[] {
    return this.#body.inline
  }

  /** The last stripe outside roots may be replaced by its device while it has a single data shard. */
  #markTail(last: StripeRecord | undefined): void {
    if (last?.k !== 1) return
    const row = this.#parts.catalogue.stripes.find(last.id)
    if (row !== undefined) this.#named.tails.add(row.no)
  }

  /** Stripes that hold the segment, opened; then what it describes. Roots of others are read once. */
  async #root(root: IndexRoot): Promise<void> {
    const { catalogue } = this.#parts
    const stored = encode(rootPlain(root))
    const known = this.#use.own ? undefined : catalogue.others.findRoot(stored)
    if (known !== undefined) {
      this.#named.roots.add(known.no)
      for (const no of known.stripes) this.#named.stripes.add(no)
      return
    }
    const no = this.#use.own ? this.#ownRoot(stored) : undefined
    try {
      const described = await this.#describedBy(root, no)
      if (!this.#use.own) this.#named.roots.add(catalogue.commit(() => catalogue.others.addRoot(stored, described)))
    } catch (error) {
      this.#unreadable('part of the index', error)
    }
  }

  #ownRoot(stored: Uint8Array): number {
    const { heads } = this.#parts.catalogue
    const known = heads.roots().find(({ bytes }) => Buffer.compare(bytes, stored) === 0)
    return known?.no ?? this.#parts.catalogue.commit(() => heads.addRoot(stored))
  }

  /** Numbers of the stripes that the root names and describes. */
  async #describedBy(root: IndexRoot, no: number | undefined): Promise<Set<number>> {
    const described = new Set<number>()
    const take = (stripes: readonly number[]): void => stripes.forEach((stripe) => described.add(stripe))
    take(this.#addStripes({ stripes: root.stripes, shards: [] }, no))
    const shards: SegmentShard[] = []
    for (const { ids, k } of root.stripes) for (const id of ids.slice(0, k)) shards.push(await this.#openShard(id))
    take(await this.#segment({ stripes: root.stripes, shards }, no))
    for (const chunk of root.chunks) take(await this.#segment(decodeSegment(await this.#read(chunk)), no))
    return described
  }

  async #openShard(id: SegmentShard['id']): Promise<SegmentShard> {
    const { catalogue } = this.#parts
    const row = catalogue.shards.find(id)
    if (row === undefined) throw new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: toHex(id) })
    const opened = await this.#session.reader.open(row, this.#use.signal)
    const prefixes = prefixesOf(concat(...opened.chunks.map((chunk) => chunk.id)))
    catalogue.commit(() => {
      catalogue.shards.setPrefixes(row.no, { kind: opened.kind, epoch: opened.epoch, prefixes })
    })
    return { id, prefixes }
  }

  /** Index first, then catalogue. */
  async #segment(segment: IndexSegment, root?: number): Promise<number[]> {
    const { catalogue, index } = this.#parts
    const number = catalogue.indexed + 1
    await index.add(
      unknownOf(
        this.#parts,
        segment.shards.filter(({ id }) => !this.#givenUp(id)),
      ),
      number,
    )
    return this.#addStripes(segment, root, number)
  }

  /** Another head may name what was moved here: it is found where it is now. What was released is that device's from now on. */
  #givenUp(id: SegmentShard['id']): boolean {
    const { shards, stripes } = this.#parts.catalogue
    const stripe = stripes.get(shards.find(id)?.stripe ?? 0)
    if (stripe?.own !== true) return false
    return stripe.state === 'retired' || (stripe.state === 'released' && this.#use.own)
  }

  #addStripes({ stripes, shards }: IndexSegment, root?: number, indexed?: number): number[] {
    const { catalogue } = this.#parts
    const prefixes = new Map(shards.map((shard) => [toHex(shard.id), shard.prefixes]))
    return catalogue.commit(() => {
      const nos = stripes.map((record) => {
        const no = catalogue.stripes.adopt(record, { used: this.#use.own })
        if (root !== undefined) catalogue.stripes.setRoot(no, root)
        record.ids.forEach((id, position) => {
          const parity = position >= record.k && record.k > 1
          if (record.k === 1 && position > 0) return
          const found = prefixes.get(toHex(id)) ?? new Uint8Array(0)
          const unknown = { kind: 0, epoch: 0, usedBytes: 0, inOutbox: false }
          catalogue.shards.add({ id, parity, ...unknown, prefixes: found, stripe: no, position })
        })
        this.#named.stripes.add(no)
        return no
      })
      if (indexed !== undefined) catalogue.setIndexed(indexed)
      return nos
    })
  }

  #checkInline(): void {
    const { keys } = this.#parts
    for (const { id, bytes } of this.#body.inline.flatMap(openFrame))
      if (Buffer.compare(chunkIdOf(keys.shared.idMac, bytes), id) !== 0) throw new PlexiError('STORAGE_CHUNK_CORRUPT')
  }

  #takeInline(): void {
    takeFrames(this.#parts, this.#body.inline)
  }

  async #older(): Promise<void> {
    const { catalogue } = this.#parts
    const { own } = this.#use
    for (const chunk of this.#body.older) {
      const known = catalogue.heads.findOlderList(chunk)
      if (known !== undefined && !own) {
        this.#named.lists.add(known)
        for (const no of catalogue.snapshots.ofList(known)) this.#named.snapshots.add(no)
        continue
      }
      try {
        const bodies = decodeSnapshotList(await this.#read(chunk))
        catalogue.commit(() => {
          const list = catalogue.heads.addOlderList(chunk, own)
          this.#named.lists.add(list)
          for (const body of bodies) this.#addSnapshot(body, { root: new Uint8Array(32), count: 0 }, list)
        })
      } catch (error) {
        this.#unreadable('a snapshot', error)
      }
    }
  }

  async #snapshots(): Promise<void> {
    const { catalogue } = this.#parts
    for (const { chunk, body, shardsRoot, shardCount } of this.#body.snapshots) {
      try {
        const stored = body ?? (await this.#read(chunk))
        catalogue.commit(() => {
          this.#addSnapshot(stored, { root: shardsRoot, count: shardCount }, null)
        })
      } catch (error) {
        this.#unreadable('a snapshot', error)
      }
    }
  }

  #addSnapshot(body: Uint8Array, needs: { root: Uint8Array; count: number }, list: number | null): void {
    const { catalogue, keys } = this.#parts
    const snapshot = decodeSnapshot(body, keys.shared.idMac)
    if (this.#use.forgotten.has(snapshot.id)) {
      // Named all the same: the others are told that it is forgotten.
      catalogue.retention.bury([Buffer.from(snapshot.id, 'hex')])
      return
    }
    const id = Buffer.from(snapshot.id, 'hex')
    const chunk = chunkIdOf(keys.shared.idMac, body)
    const { own } = this.#use
    this.#named.snapshots.add(catalogue.snapshots.adopt({ id, time: snapshot.time, chunk, body, list, own, ...needs }))
  }

  #unreadable(what: string, error: unknown): void {
    this.#use.signal.throwIfAborted()
    this.#named.complete = false
    const { code, message } = toPlexiError(error)
    const peer: PeerKey = this.#body.device
    this.#use.alarms.push({ code, text: `${what} cannot be read: ${message}`, peer })
  }

  /** From a shard, or from what rides in this very head. */
  async #read(chunk: ChunkId): Promise<Uint8Array> {
    for (const frame of this.#body.inline) {
      if (!frame.entries.some(({ id }) => Buffer.compare(id, chunk) === 0)) continue
      const found = openFrame(frame).find(({ id }) => Buffer.compare(id, chunk) === 0)
      if (found !== undefined) return this.#session.chunks.check(chunk, found.bytes)
    }
    return this.#session.chunks.read(chunk, this.#use.signal)
  }
}

/** Chunks in stripes that a device may replace, where no better place for them is known any more. */
export async function findTailsAgain(parts: Parts): Promise<void> {
  const { catalogue, index } = parts
  const shards = catalogue.others.tails().flatMap((no) => {
    const [shard] = catalogue.shards.ofStripe(no)
    return shard === undefined ? [] : [{ id: shard.id, prefixes: catalogue.shards.prefixes(shard.no) }]
  })
  await index.add(unknownOf(parts, shards), catalogue.indexed)
}

/** Chunks that are not found elsewhere, or only where their place may go. */
export function unknownOf(parts: Parts, shards: readonly SegmentShard[]): SegmentShard[] {
  return shards.map(({ id, prefixes }) => {
    const missing: Uint8Array[] = []
    for (let at = 0; at < prefixes.length; at += PREFIX_BYTES) {
      const prefix = prefixes.subarray(at, at + PREFIX_BYTES)
      if (!isFound(parts, prefix)) missing.push(prefix)
    }
    return { id, prefixes: Buffer.concat(missing) }
  })
}

function isFound({ index, catalogue }: Parts, prefix: Uint8Array): boolean {
  const shard = index.findPrefix(prefix)
  const row = shard === undefined ? undefined : catalogue.shards.find(shard)
  if (row === undefined || row.lost) return false
  const stripe = catalogue.stripes.get(row.stripe ?? 0)
  if (stripe === undefined) return true
  if (stripe.state !== 'queued' && stripe.state !== 'placed') return false
  return stripe.own || !catalogue.others.isTail(stripe.no)
}

/** Frames with chunks that do not ride in this device's own head yet, from now on do. */
export function takeFrames({ catalogue, inline }: Parts, frames: readonly InlineFrame[]): void {
  const missing = frames.filter((frame) => frame.entries.some(({ id }) => !inline.has(id)))
  catalogue.commit(() => {
    for (const frame of missing) inline.store(frame)
  })
  inline.load()
}

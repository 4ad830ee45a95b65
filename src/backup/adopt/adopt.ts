/**
 * Taking over what heads say: on a new machine after recovery, or this device's own newer head after its disk was put
 * back in time. Spec: docs/spec/04-snapshot-and-head.md § Publishing.
 * Invariants: idempotent, so a crash in between costs nothing; index before catalogue; nothing known is dropped.
 */
import { fromHex, toHex } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { encode } from '../../crypto/codec.ts'
import { chunkIdOf, type ChunkId, type FoundHead } from '../../shard/index.ts'
import { joinPrefixes } from '../catalogue/chunk-index.ts'
import type { HeadBody } from '../head/head-body.ts'
import { openFrame } from '../head/inline.ts'
import {
  decodeSegment,
  rootPlain,
  type IndexRoot,
  type IndexSegment,
  type SegmentShard,
} from '../head/segment-codec.ts'
import { limits } from '../options.ts'
import type { Parts } from '../parts.ts'
import type { Session } from '../session.ts'
import { decodeSnapshot, decodeSnapshotList } from '../snapshot/snapshot.ts'
import { chooseHeads, type Alarm, type ValidHead } from './choose-heads.ts'
import { meetOwnHead } from './own-head.ts'

export type { Alarm } from './choose-heads.ts'

export interface Adoption {
  /** Of the newest head taken over. */
  readonly headSeq: number
  readonly headTime: number
  /** Members that served a valid head; fewer than 3 deserve a warning. */
  readonly sources: number
  /** Snapshots known afterwards. */
  readonly snapshots: number
  readonly alarms: readonly Alarm[]
}

/** Throws `STORAGE_NO_HEAD` when nothing valid was found. */
export async function adoptHeads(
  session: Session,
  found: readonly FoundHead[],
  signal: AbortSignal,
): Promise<Adoption> {
  const { parts } = session
  const { heads, sources, alarms } = chooseHeads(found, parts.keys)
  const newest = heads.at(-1)
  if (newest === undefined) throw new PlexiError('STORAGE_NO_HEAD', { alarms: alarms.map(({ code }) => code) })
  const all: Alarm[] = [...alarms]
  await takeOver(session, heads, { signal, alarms: all })
  const { seq } = newest.notice
  const snapshots = parts.catalogue.snapshots.count()
  return { headSeq: seq, headTime: newest.body.time, sources, snapshots, alarms: all }
}

/** Takes over what these heads say, oldest first. What could not be read is an alarm. */
export async function takeOver(
  session: Session,
  heads: readonly ValidHead[],
  run: { signal: AbortSignal; alarms: Alarm[] },
): Promise<void> {
  const { catalogue, keys } = session.parts
  // A snapshot is forgotten wherever another head still names it.
  const forgotten = new Set<string>(heads.flatMap(({ body }) => body.tombstones))
  const known = new Set([...catalogue.snapshots.all(), ...catalogue.snapshots.forgotten()].map(({ id }) => toHex(id)))
  bury(
    catalogue,
    [...forgotten].filter((id) => known.has(id)),
  )
  // The others are told that it is known here, while there is room for it.
  const room = Math.max(0, limits.tombstones / 2 - catalogue.retention.tombstones().length)
  bury(catalogue, [...forgotten].filter((id) => !known.has(id)).slice(0, room))
  for (const id of catalogue.retention.forgotten()) forgotten.add(id)
  for (const head of heads) {
    const alarms = run.alarms.length
    const named = await new HeadAdopter(session, head, { ...run, forgotten }).run()
    bury(catalogue, named)
    if (run.alarms.length > alarms || head.notice.device === keys.device) continue
    catalogue.commit(() => {
      catalogue.retention.sawHead(head.notice.device, head.notice.seq)
    })
  }
}

function bury(catalogue: Parts['catalogue'], ids: Iterable<string>): void {
  catalogue.commit(() => {
    if (catalogue.retention.bury([...ids].map((id) => fromHex(id))) > 0) catalogue.touch()
  })
}

class HeadAdopter {
  readonly #session: Session
  readonly #parts: Parts
  readonly #head: ValidHead
  readonly #body: HeadBody
  readonly #signal: AbortSignal
  readonly #alarms: Alarm[]
  readonly #forgotten: ReadonlySet<string>
  /** Forgotten snapshots that this head still names. */
  readonly #named: string[] = []

  constructor(
    session: Session,
    head: ValidHead,
    run: { signal: AbortSignal; alarms: Alarm[]; forgotten: ReadonlySet<string> },
  ) {
    this.#session = session
    this.#parts = session.parts
    this.#head = head
    this.#body = head.body
    this.#signal = run.signal
    this.#alarms = run.alarms
    this.#forgotten = run.forgotten
  }

  /** Returns the forgotten snapshots that the head still names. */
  async run(): Promise<readonly string[]> {
    if (meetOwnHead(this.#parts, this.#head, this.#alarms) === 'known') return []
    await this.#parts.network.adoptGroups(this.#body.groups)
    for (const root of this.#body.roots) await this.#root(root)
    for (const bytes of this.#body.segments) await this.#segment(decodeSegment(bytes), undefined)
    this.#inline()
    await this.#older()
    await this.#snapshots()
    this.#parts.catalogue.commit(() => {
      this.#parts.catalogue.touch()
    })
    return this.#named
  }

  /** Stripes that hold the segment, opened; then what it describes. */
  async #root(root: IndexRoot): Promise<void> {
    const { catalogue } = this.#parts
    const stored = encode(rootPlain(root))
    const known = catalogue.heads.roots().find(({ bytes }) => Buffer.compare(bytes, stored) === 0)
    const no = known?.no ?? catalogue.commit(() => catalogue.heads.addRoot(stored))
    try {
      const stripes = root.stripes.map((record) => ({ record, shards: [] as SegmentShard[] }))
      this.#addStripes({ stripes: root.stripes, shards: [] }, no)
      for (const stripe of stripes)
        for (const id of stripe.record.ids.slice(0, stripe.record.k)) stripe.shards.push(await this.#openShard(id))
      await this.#segment({ stripes: root.stripes, shards: stripes.flatMap((stripe) => stripe.shards) }, no)
      for (const chunk of root.chunks) await this.#segment(decodeSegment(await this.#read(chunk)), no)
    } catch (error) {
      this.#signal.throwIfAborted()
      const { code, message } = toPlexiError(error)
      this.#alarms.push({ code, text: `part of the index cannot be read: ${message}`, peer: this.#body.device })
    }
  }

  async #openShard(id: SegmentShard['id']): Promise<SegmentShard> {
    const { catalogue } = this.#parts
    const row = catalogue.shards.find(id)
    if (row === undefined) throw new PlexiError('STORAGE_SHARD_NOT_FOUND', { shardId: toHex(id) })
    const opened = await this.#session.reader.open(row, this.#signal)
    const prefixes = joinPrefixes(opened.chunks.map((chunk) => chunk.id))
    catalogue.commit(() => {
      catalogue.shards.setPrefixes(row.no, { kind: opened.kind, epoch: opened.epoch, prefixes })
    })
    return { id, prefixes }
  }

  /** Index first, then catalogue. */
  async #segment(segment: IndexSegment, root: number | undefined): Promise<void> {
    const { catalogue, index } = this.#parts
    const number = catalogue.indexed + 1
    await index.add(
      segment.shards.filter(({ id }) => !this.#givenUp(id)),
      number,
    )
    this.#addStripes(segment, root ?? null, number)
  }

  /** Another head may name what was moved here: it is found where it is now. */
  #givenUp(id: SegmentShard['id']): boolean {
    const { shards, stripes } = this.#parts.catalogue
    const state = stripes.get(shards.find(id)?.stripe ?? 0)?.state
    return state === 'retired' || state === 'released'
  }

  #addStripes({ stripes, shards }: IndexSegment, root: number | null, indexed?: number): void {
    const { catalogue } = this.#parts
    const prefixes = new Map(shards.map((shard) => [toHex(shard.id), shard.prefixes]))
    catalogue.commit(() => {
      for (const record of stripes) {
        const no = catalogue.stripes.add(record, 'placed')
        catalogue.stripes.setRoot(no, root)
        record.ids.forEach((id, position) => {
          const parity = position >= record.k && record.k > 1
          if (record.k === 1 && position > 0) return
          const found = prefixes.get(toHex(id)) ?? new Uint8Array(0)
          const unknown = { kind: 0, epoch: 0, usedBytes: 0, inOutbox: false }
          catalogue.shards.add({ id, parity, ...unknown, prefixes: found, stripe: no, position })
        })
      }
      if (indexed !== undefined) catalogue.setIndexed(indexed)
    })
  }

  #inline(): void {
    const { catalogue, inline, keys } = this.#parts
    const missing = this.#body.inline.filter((frame) => frame.entries.some(({ id }) => !inline.has(id)))
    for (const { id, bytes } of missing.flatMap(openFrame))
      if (Buffer.compare(chunkIdOf(keys.shared.idMac, bytes), id) !== 0) throw new PlexiError('STORAGE_CHUNK_CORRUPT')
    catalogue.commit(() => {
      for (const frame of missing) inline.store(frame)
    })
    inline.load()
  }

  async #older(): Promise<void> {
    const { catalogue } = this.#parts
    for (const chunk of this.#body.older) {
      try {
        const bodies = decodeSnapshotList(await this.#read(chunk))
        catalogue.commit(() => {
          const list = catalogue.heads.addOlderList(chunk)
          for (const body of bodies) this.#addSnapshot(body, { root: new Uint8Array(32), count: 0 }, list)
        })
      } catch (error) {
        this.#snapshotsUnreadable(error)
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
        this.#snapshotsUnreadable(error)
      }
    }
  }

  #addSnapshot(body: Uint8Array, needs: { root: Uint8Array; count: number }, list: number | null): void {
    const { catalogue, keys } = this.#parts
    const snapshot = decodeSnapshot(body, keys.shared.idMac)
    if (this.#forgotten.has(snapshot.id)) {
      this.#named.push(snapshot.id)
      return
    }
    const id = Buffer.from(snapshot.id, 'hex')
    const chunk = chunkIdOf(keys.shared.idMac, body)
    catalogue.snapshots.adopt({ id, time: snapshot.time, chunk, body, list, ...needs })
  }

  #snapshotsUnreadable(error: unknown): void {
    this.#signal.throwIfAborted()
    const { code, message } = toPlexiError(error)
    this.#alarms.push({ code, text: `a snapshot cannot be read: ${message}`, peer: this.#body.device })
  }

  #read(chunk: ChunkId): Promise<Uint8Array> {
    return this.#session.chunks.read(chunk, this.#signal)
  }
}

/**
 * Writing a seed: what a host should hold and has not signed for, onto a disk that is carried to it. Spec:
 * docs/spec/07-seed.md. Invariants: the signed file comes last, so that a seed that was cut off is none; run again it goes on
 * where it stopped, and takes the receipts that came back with the disk.
 */
import { join } from 'node:path'
import { compare, toHex, utf8, view } from '../../base/bytes.ts'
import { isPlexiError, PlexiError, toPlexiError } from '../../base/errors.ts'
import { RootHasher } from '../../crypto/merkle.ts'
import type { PeerKey } from '../../crypto/ids.ts'
import { signEnvelope } from '../../crypto/signature.ts'
import {
  encodeSeedPage,
  manifestPayload,
  MAX_SEED_BYTES,
  MAX_SEED_SHARDS,
  openSeed,
  openSeedPage,
  openSeedReceipts,
  SEED_FILE,
  SEED_PAGE_BYTES,
  SEED_PAGE_ITEMS,
  SEED_RECEIPTS_BYTES,
  seedPageName,
  seedPages,
  SHARD_BYTES,
  signSeed,
  type Receipt,
  type Seed,
  type ShardId,
  type StripeRecord,
} from '../../shard/index.ts'
import type { EventStream } from '../events.ts'
import type { Progress } from '../requests.ts'
import { MARKER_TEXT } from '../remotes/marker.ts'
import { RemoteDirectory } from '../remotes/remote-directory.ts'
import type { Session } from '../session.ts'
import { STORE_MARKER } from '../sources/own-homes.ts'

export interface SeedRequest {
  /** Absolute path of a new or empty directory, or of an earlier seed for the same host. */
  readonly directory: string
  readonly host: PeerKey
  readonly certificate: Uint8Array
  /** Checks a receipt of that host for one shard. Throws where it is none. */
  readonly openReceipt: (signed: Uint8Array, shardId: ShardId) => Receipt
}

export interface SeedSummary {
  readonly type: 'summary'
  readonly directory: string
  readonly host: PeerKey
  /** Shards the seed holds now, and what did not fit or cannot be read. */
  readonly shards: number
  readonly bytes: number
  readonly left: number
  /** Receipts that came back with the disk. */
  readonly receipts: number
  readonly seconds: number
}

export type SeedEvent = Progress | SeedSummary

interface Wanted {
  readonly id: ShardId
  readonly stripe: StripeRecord
  readonly index: number
}

const BATCH = 32

export class SeedWriter {
  readonly #session: Session
  readonly #request: SeedRequest
  readonly #run: { readonly events: EventStream<SeedEvent>; readonly signal: AbortSignal }
  readonly #target: RemoteDirectory
  #done = 0

  constructor(session: Session, request: SeedRequest, run: { events: EventStream<SeedEvent>; signal: AbortSignal }) {
    this.#session = session
    this.#request = request
    this.#run = run
    this.#target = new RemoteDirectory(request.directory, session.parts)
  }

  /** Throws `STORAGE_REMOTE_FOREIGN`, `STORAGE_REMOTE_ABSENT`, and what the disk throws but `STORAGE_DISK_FULL`. */
  async run(): Promise<SeedSummary> {
    const { clock } = this.#session.parts
    const begun = clock.elapsed()
    await this.#prepare()
    const receipts = await this.#takeReceipts()
    const wanted = this.#wanted()
    const copied = await this.#copy(wanted)
    await this.#seal(copied)
    await this.#tidy(copied)
    return {
      type: 'summary',
      directory: this.#request.directory,
      host: this.#request.host,
      shards: copied.length,
      bytes: copied.length * SHARD_BYTES,
      left: wanted.length - copied.length,
      receipts,
      seconds: (clock.elapsed() - begun) / 1000,
    }
  }

  async #prepare(): Promise<void> {
    const { disk } = this.#session.parts
    const { directory, host } = this.#request
    const marker = join(directory, STORE_MARKER)
    const foreign = (reason: string): PlexiError =>
      new PlexiError('STORAGE_REMOTE_FOREIGN', { path: directory, reason })
    const text = `${MARKER_TEXT}\nseed for ${host}\n`
    const parent = directory.slice(0, Math.max(1, directory.lastIndexOf('/')))
    if ((await disk.stat(parent))?.kind !== 'directory')
      throw new PlexiError('STORAGE_REMOTE_ABSENT', { path: directory, reason: `${parent} is no directory` })
    await disk.mkdir(directory)
    const names = (await disk.readdir(directory)).map(String).filter((name) => name !== 'lost+found')
    if (names.length === 0) {
      // The one who adopts it may be another account.
      await disk.chmod(directory, 0o755).catch(() => undefined)
      await disk.writeFileAtomic(marker, utf8(text), 0o644)
    } else if (!names.includes(STORE_MARKER)) throw foreign(`it holds other files (${names[0] ?? ''})`)
    else if ((await disk.readFile(marker, 4096)).toString('utf8') !== text) throw foreign('it is no seed for this host')
    await disk.mkdir(join(directory, 'shards'), 0o755)
    await disk.mkdir(join(directory, 'pages'), 0o755)
  }

  /** What the host signed when it took an earlier seed from this disk. */
  async #takeReceipts(): Promise<number> {
    const { keys } = this.#session.parts
    const seed = await this.#opened(SEED_FILE, MAX_SEED_BYTES, openSeed)
    if (seed === undefined || seed.device !== keys.device || seed.host !== this.#request.host) return 0
    let taken = 0
    for (let page = 0; page < seedPages(seed.count); page++) {
      const name = seedPageName(page)
      const items = await this.#opened(join('pages', name), SEED_PAGE_BYTES, (bytes) =>
        openSeedPage(bytes, keys.device),
      )
      const receipts = await this.#opened(join('receipts', name), SEED_RECEIPTS_BYTES, openSeedReceipts)
      receipts?.forEach((signed, at) => {
        const item = items?.[at]
        if (signed !== null && item !== undefined && this.#record(signed, { ...item, id: item.shardId })) taken++
      })
    }
    return taken
  }

  /** False for what is no receipt, or for a shard of nothing that lives. */
  #record(signed: Uint8Array, { id, stripe, index }: Wanted): boolean {
    const { catalogue } = this.#session.parts
    const row = catalogue.stripes.find(stripe.id)
    if (row?.state !== 'queued' || catalogue.stripes.receipts(row.no).has(index)) return false
    try {
      const receipt = this.#request.openReceipt(signed, id)
      catalogue.commit(() => {
        catalogue.stripes.addReceipt(row.no, index, receipt)
      })
      return true
    } catch (error) {
      if (isPlexiError(error)) return false
      throw error
    }
  }

  /** Positions of the host in stripes that wait, without a receipt, in the order of their ids. */
  #wanted(): Wanted[] {
    const { catalogue, network } = this.#session.parts
    const slots = new Map(
      network
        .groups()
        .map(({ id, slots: all }) => [toHex(id), all.findIndex((slot) => slot.host.peer === this.#request.host)]),
    )
    const wanted = new Map<string, Wanted>()
    for (const { no, n, group } of catalogue.stripes.inState('queued')) {
      const index = slots.get(toHex(group)) ?? -1
      if (index < 0 || index >= n || catalogue.stripes.receipts(no).has(index)) continue
      const stripe = catalogue.stripes.record(no)
      const id = stripe.ids[index]
      if (id !== undefined) wanted.set(view(id).toString('latin1'), { id, stripe, index })
    }
    return [...wanted.values()].sort((a, b) => compare(a.id, b.id)).slice(0, MAX_SEED_SHARDS)
  }

  /** Returns what lies on the disk now; ends early where it is full. */
  async #copy(wanted: readonly Wanted[]): Promise<Wanted[]> {
    const copied: Wanted[] = []
    for (let at = 0; at < wanted.length; at += BATCH) {
      this.#run.signal.throwIfAborted()
      try {
        copied.push(...(await this.#copyBatch(wanted.slice(at, at + BATCH))))
      } catch (error) {
        if (toPlexiError(error).code !== 'STORAGE_DISK_FULL') throw error
        return copied
      }
      this.#progress(copied.length, wanted.length)
    }
    return copied
  }

  async #copyBatch(batch: readonly Wanted[]): Promise<Wanted[]> {
    const there: Wanted[] = []
    const fresh: { id: ShardId; bytes: Uint8Array }[] = []
    for (const each of batch) {
      // What an earlier run left is read back: it may have been cut off, or the disk may be bad.
      if ((await this.#target.read(each.id).catch(() => undefined)) === undefined) {
        const bytes = await this.#body(each.id)
        if (bytes === undefined) continue
        fresh.push({ id: each.id, bytes })
      }
      there.push(each)
    }
    await this.#target.write(fresh)
    return there
  }

  async #body(id: ShardId): Promise<Uint8Array | undefined> {
    const { outbox, log } = this.#session.parts
    try {
      return await outbox.read(id)
    } catch (error) {
      log.debug('a shard is not in the outbox any more', { shardId: toHex(id), error: String(error) })
      return undefined
    }
  }

  /** Pages, then the signed file. */
  async #seal(items: readonly Wanted[]): Promise<void> {
    const { disk, keys, clock } = this.#session.parts
    const { directory, host, certificate } = this.#request
    await disk.unlink(join(directory, SEED_FILE))
    await disk.removeTree(join(directory, 'receipts'))
    await disk.removeTree(join(directory, 'pages'))
    if (items.length === 0) return
    await disk.mkdir(join(directory, 'pages'), 0o755)
    const hasher = new RootHasher()
    for (let at = 0; at < items.length; at += SEED_PAGE_ITEMS) {
      const page = items.slice(at, at + SEED_PAGE_ITEMS).map(({ id, stripe, index }) => {
        hasher.update(id)
        return { index, manifest: signEnvelope(keys.sign, 'manifest', manifestPayload(stripe)) }
      })
      const path = join(directory, 'pages', seedPageName(at / SEED_PAGE_ITEMS))
      await disk.writeFileAtomic(path, encodeSeedPage(page), 0o644)
    }
    const { vault, device, terms } = keys
    const bound = { count: items.length, root: hasher.root() }
    const seed: Seed = { vault, device, host, time: clock.now(), certificate, terms, ...bound }
    await disk.writeFileAtomic(join(directory, SEED_FILE), signSeed(keys.sign, seed), 0o644)
  }

  /** Room for what comes next: shards that are in the seed no more. */
  async #tidy(items: readonly Wanted[]): Promise<void> {
    const { disk } = this.#session.parts
    const kept = new Set(items.map(({ id }) => toHex(id)))
    for (let first = 0; first < 256; first++) {
      const folder = first.toString(16).padStart(2, '0')
      for (const name of await this.#target.list(first))
        if (!kept.has(name)) await disk.unlink(join(this.#request.directory, 'shards', folder, name))
    }
  }

  /** Undefined where it is not there or not of its form. */
  async #opened<T>(name: string, maxBytes: number, open: (bytes: Uint8Array) => T): Promise<T | undefined> {
    try {
      return open(await this.#session.parts.disk.readFile(join(this.#request.directory, name), maxBytes))
    } catch (error) {
      this.#run.signal.throwIfAborted()
      if (isPlexiError(error) || toPlexiError(error).code === 'STORAGE_NOT_FOUND') return undefined
      throw error
    }
  }

  #progress(filesDone: number, filesTotal: number): void {
    this.#done = filesDone
    this.#run.events.progress(() => ({
      type: 'progress',
      ...{ filesDone: this.#done, filesTotal, totalKnown: true },
      bytesDone: this.#done * SHARD_BYTES,
      bytesTotal: filesTotal * SHARD_BYTES,
    }))
  }
}

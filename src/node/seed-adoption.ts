/**
 * Taking in a seed: shards that a disk brought instead of the network (docs/spec/07-seed.md). Every check of a put is made:
 * certificate, terms, trust, manifest, room, root. Invariants: nothing of a seed is stored before all its pages hold against
 * its signed root; a receipt is written only for what is durable here; run again it goes on where it stopped.
 */
import { join } from 'node:path'
import { compare, equal, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { isPlexiError, PlexiError, toPlexiError } from '../base/errors.ts'
import { mapBounded } from '../base/queue.ts'
import { checkCertificate, openCertificate } from '../crypto/certificate.ts'
import type { PeerKey } from '../crypto/ids.ts'
import { RootHasher } from '../crypto/merkle.ts'
import { openTerms, supersedes, type Terms } from '../crypto/terms.ts'
import type { SigningKey } from '../crypto/signature.ts'
import {
  encodeSeedReceipts,
  MAX_SEED_BYTES,
  openSeed,
  openSeedPage,
  SEED_FILE,
  SEED_PAGE_BYTES,
  SEED_PAGE_ITEMS,
  seedPageName,
  seedPages,
  SHARD_BYTES,
  verifyShard,
  type Seed,
  type SeedItem,
  type ShardId,
} from '../shard/index.ts'
import type { HostStore } from './host/index.ts'
import { signReceipt, type Admission } from './protocols/index.ts'

export interface SeedAdoptionDeps {
  readonly store: HostStore
  readonly admission: Admission
  readonly peer: PeerKey
  readonly sign: SigningKey
  readonly disk: Disk
  readonly clock: Clock
}

export interface SeedProgress {
  readonly type: 'progress'
  readonly done: number
  readonly total: number
}

export interface SeedSummary {
  readonly type: 'summary'
  /** Hex. */
  readonly vault: string
  readonly shards: number
  /** Stored now, and those that were here before. */
  readonly stored: number
  readonly known: number
  /** Missing or damaged on the disk: their owner sends them over the network. */
  readonly bad: readonly { readonly shard: string; readonly why: 'missing' | 'corrupt' }[]
  /** The receipts lie on the disk too. */
  readonly receipts: boolean
}

/** Shards at once: bounds memory, and lets syncs be shared. */
const SHARDS_AT_ONCE = 4
const MAX_BAD = 1000

interface Admitted {
  readonly seed: Seed
  readonly vouched: boolean
  /** Terms that take the place of those known here. */
  readonly newTerms: { readonly bytes: Uint8Array; readonly terms: Terms } | undefined
}

export class SeedAdoption {
  readonly #directory: string
  readonly #deps: SeedAdoptionDeps
  readonly #bad: { shard: string; why: 'missing' | 'corrupt' }[] = []
  #stored = 0
  #known = 0
  #receipts = true

  constructor(directory: string, deps: SeedAdoptionDeps) {
    this.#directory = directory
    this.#deps = deps
  }

  /**
   * Throws `STORAGE_SEED_REFUSED`, `STORAGE_NOT_FOUND`, `AUTH_*`, `SECURITY_*`, `VALIDATION_*`; `STORAGE_QUOTA_EXCEEDED` or
   * `STORAGE_DISK_FULL` after what there was room for is stored.
   */
  async *run(signal: AbortSignal): AsyncGenerator<SeedProgress | SeedSummary, void, undefined> {
    const admitted = await this.#admit()
    const { seed } = admitted
    await this.#checkPages(seed, signal)
    for (let page = 0; page < seedPages(seed.count); page++) {
      await this.#takePage(admitted, page, signal)
      yield { type: 'progress', done: Math.min(seed.count, (page + 1) * SEED_PAGE_ITEMS), total: seed.count }
    }
    yield {
      type: 'summary',
      vault: toHex(seed.vault),
      shards: seed.count,
      ...{ stored: this.#stored, known: this.#known, bad: this.#bad, receipts: this.#receipts },
    }
  }

  /** In the order of docs/spec/05-storage-protocol.md § Failure stages. */
  async #admit(): Promise<Admitted> {
    const { store, admission, peer, clock } = this.#deps
    const seed = openSeed(await this.#read(SEED_FILE, MAX_SEED_BYTES))
    if (seed.host !== peer) throw refused('it is for another host')
    const certificate = openCertificate(seed.certificate)
    if (!equal(certificate.vault, seed.vault)) throw refused('its certificate is of another vault')
    const check = { peer: seed.device, now: clock.now() }
    checkCertificate(certificate, { ...check, revoked: new Set() })
    const offered = openTerms(seed.terms, seed.vault)
    const known = await store.terms.get(seed.vault)
    const revoked = new Set([...(known?.terms.revokedSerials ?? []), ...offered.revokedSerials])
    checkCertificate(certificate, { ...check, revoked, grant: 'store' })
    const standing = await admission.standing({ peer: seed.device, vault: seed.vault, address: '', stamp: null })
    if (standing === 'blocked') throw new PlexiError('AUTH_FORBIDDEN', { reason: 'blocked' })
    if (standing === 'stranger') throw new PlexiError('SECURITY_STAMP_REQUIRED')
    const newer = known === undefined || supersedes(known.terms, offered)
    return {
      seed,
      vouched: standing === 'vouched',
      newTerms: newer ? { bytes: seed.terms, terms: offered } : undefined,
    }
  }

  /** All pages against the signed root, before a shard is read. */
  async #checkPages(seed: Seed, signal: AbortSignal): Promise<void> {
    const hasher = new RootHasher()
    let last: ShardId | undefined
    for (let page = 0; page < seedPages(seed.count); page++) {
      signal.throwIfAborted()
      for (const { shardId } of await this.#page(seed, page)) {
        if (last !== undefined && compare(last, shardId) >= 0) throw refused('its shards are out of order')
        last = shardId
        hasher.update(shardId)
      }
    }
    if (hasher.count !== seed.count || !equal(hasher.root(), seed.root)) throw refused('it is not complete')
  }

  async #page(seed: Seed, page: number): Promise<SeedItem[]> {
    return openSeedPage(await this.#read(join('pages', seedPageName(page)), SEED_PAGE_BYTES), seed.device)
  }

  async #takePage(admitted: Admitted, page: number, signal: AbortSignal): Promise<void> {
    const items = await this.#page(admitted.seed, page)
    const receipts = new Array<Uint8Array | null>(items.length).fill(null)
    try {
      await mapBounded(items, SHARDS_AT_ONCE, async (item, at) => {
        signal.throwIfAborted()
        receipts[at] = await this.#take(admitted, item)
      })
    } finally {
      if (receipts.some((receipt) => receipt !== null)) await this.#leaveReceipts(page, receipts)
    }
  }

  /** The receipt; null where the disk does not have it intact. */
  async #take({ seed, vouched, newTerms }: Admitted, item: SeedItem): Promise<Uint8Array | null> {
    const { store } = this.#deps
    const at = { vault: seed.vault, id: item.shardId }
    const held = await store.shards.lookupIntact(at)
    if (held !== undefined) {
      await store.shards.keep(at, item.manifest)
      this.#known++
      return this.#receipt(seed, item.shardId, held)
    }
    const body = await this.#body(item.shardId)
    if (body === undefined) return null
    const reservation = await store.reserve(seed.vault, vouched, SHARD_BYTES)
    try {
      if (newTerms !== undefined) await store.terms.keep(seed.vault, newTerms)
      const stored = await store.shards.store({ ...at, body, manifest: item.manifest, vouched }, reservation)
      this.#stored++
      return this.#receipt(seed, item.shardId, stored)
    } finally {
      reservation.release()
    }
  }

  async #body(id: ShardId): Promise<Uint8Array | undefined> {
    const name = toHex(id)
    const bytes = await this.#readOrNothing(join('shards', name.slice(0, 2), name), SHARD_BYTES)
    if (bytes?.length === SHARD_BYTES && verifyShard(bytes, id)) return bytes
    if (this.#bad.length < MAX_BAD) this.#bad.push({ shard: name, why: bytes === undefined ? 'missing' : 'corrupt' })
    return undefined
  }

  #receipt({ vault }: Seed, shardId: ShardId, { number, time }: { number: number; time: number }): Uint8Array {
    const { sign, peer: host } = this.#deps
    return signReceipt(sign, { shardId, vault, host, number, bytes: SHARD_BYTES, time })
  }

  /** For the way back. A disk that cannot be written is no reason to stop: the owner asks for receipts over the network too. */
  async #leaveReceipts(page: number, receipts: readonly (Uint8Array | null)[]): Promise<void> {
    const { disk } = this.#deps
    const folder = join(this.#directory, 'receipts')
    try {
      await disk.mkdir(folder)
      // Whoever made the disk does not choose where this machine writes.
      if ((await disk.stat(folder))?.kind !== 'directory') throw refused('receipts is no directory')
      await disk.writeFileAtomic(join(folder, seedPageName(page)), encodeSeedReceipts(receipts), 0o644)
    } catch {
      this.#receipts = false
    }
  }

  async #read(name: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#readOrNothing(name, maxBytes)
    if (bytes === undefined) throw refused(`${name} is missing`)
    return bytes
  }

  /** Undefined where nothing is there. A name that leads elsewhere is never followed. */
  async #readOrNothing(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const { disk } = this.#deps
    const path = join(this.#directory, name)
    try {
      if ((await disk.stat(path))?.kind !== 'file') return undefined
      return await disk.readFile(path, maxBytes)
    } catch (error) {
      if (isPlexiError(error, 'VALIDATION_LIMIT') && maxBytes === SHARD_BYTES) return new Uint8Array(0)
      if (toPlexiError(error).code === 'STORAGE_NOT_FOUND') return undefined
      throw error
    }
  }
}

function refused(reason: string): PlexiError {
  return new PlexiError('STORAGE_SEED_REFUSED', { reason })
}

/**
 * What a device remembers of the directories it backed up, so that unchanged files are not read again. Rows are facts –
 * this file, known by these five values, lies in those chunks – and may be committed ahead of the snapshot: whoever uses
 * one asks the index for every chunk, and what a crash or a host lost is read again.
 */
import { MiB, view } from '../../base/bytes.ts'
import { DAY } from '../../base/clock.ts'
import { hkdf, hmac, sha256 } from '../../crypto/hash.ts'
import type { ChunkId } from '../../shard/index.ts'
import type { Parts } from '../parts.ts'
import type { Listing } from '../sources/listing.ts'
import { DirectoryMemory } from './directory-memory.ts'
import { openRow, sealRow, type DirectoryRow } from './directory-row.ts'

/** Rows of directories that no backup has seen for so long go. */
const UNSEEN_MS = 90 * DAY
/** A row that is used is marked so once a day. */
const MARK_MS = DAY
/** What waits for a commit, about. */
const COMMIT_BYTES = 8 * MiB
/** A directory costs a commit so much, whatever its row takes. */
const ROW_BYTES = 1024
const NAME_BYTES = 16
/** In no path. */
const SEPARATOR = new Uint8Array(1)

export interface UnchangedDeps {
  readonly parts: Pick<Parts, 'catalogue' | 'clock' | 'keys' | 'random'>
  readonly store: { reuse(id: ChunkId): boolean }
  /** What else decides how a directory is stored: what is left out, names of owners. */
  readonly settings: Uint8Array
  /** False for a dry run. */
  readonly save: boolean
  /** Read everything, and remember that. */
  readonly forceRead: boolean
}

interface Waiting {
  readonly name: Uint8Array
  readonly bytes: Uint8Array
}

export class Unchanged {
  readonly #deps: UnchangedDeps
  readonly #key: Uint8Array
  readonly #settings: Uint8Array
  #written: Waiting[] = []
  #seen: Uint8Array[] = []
  #waitingBytes = 0

  /** `root`: the path that is backed up, which excludes are relative to. */
  constructor(root: Uint8Array, deps: UnchangedDeps) {
    this.#deps = deps
    this.#key = hkdf(deps.parts.keys.shared.idMac, { info: 'plexichat/unchanged/1', bytes: 32 })
    this.#settings = sha256(deps.settings, root)
  }

  /** Of a directory, or of the part of a long one that begins with the name `part`. */
  directory({ path }: { readonly path: Uint8Array }, listing: Listing, part?: Uint8Array): DirectoryMemory {
    const { store, save, forceRead } = this.#deps
    const place = part === undefined ? path : Buffer.concat([path, SEPARATOR, part])
    const name = hmac(this.#key, place).subarray(0, NAME_BYTES)
    return new DirectoryMemory({
      row: this.#find(name),
      listing,
      digest: sha256(this.#settings, listing.found.digest),
      reuse: (id) => store.reuse(id),
      save: (row) => {
        if (save) this.#put(name, row)
      },
      forceRead,
    })
  }

  /** Everything that was seen is committed. */
  finish(): void {
    if (!this.#deps.save) return
    this.#commit()
    const { catalogue, clock } = this.#deps.parts
    catalogue.commit(() => {
      catalogue.directories.removeUnseen(clock.now() - UNSEEN_MS)
    })
  }

  #find(name: Uint8Array): DirectoryRow | undefined {
    const { catalogue, clock } = this.#deps.parts
    const found = catalogue.directories.find(name)
    if (found === undefined) return undefined
    if (found.seen < clock.now() - MARK_MS) {
      this.#seen.push(name)
      this.#waits(ROW_BYTES)
    }
    return openRow(found.bytes, this.#key)
  }

  #put(name: Uint8Array, row: DirectoryRow): void {
    const bytes = sealRow(row, this.#key, this.#deps.parts.random)
    if (bytes === undefined) return
    this.#written.push({ name, bytes })
    this.#waits(ROW_BYTES + bytes.length)
  }

  #waits(bytes: number): void {
    this.#waitingBytes += bytes
    if (this.#waitingBytes >= COMMIT_BYTES) this.#commit()
  }

  #commit(): void {
    const { catalogue, clock } = this.#deps.parts
    const [written, seen] = [this.#written, this.#seen]
    this.#written = []
    this.#seen = []
    this.#waitingBytes = 0
    if (!this.#deps.save) return
    if (written.length + seen.length === 0) return
    const now = clock.now()
    catalogue.commit(() => {
      for (const name of seen) catalogue.directories.mark(name, now)
      for (const { name, bytes } of written) catalogue.directories.put(name, view(bytes), now)
    })
  }
}

/**
 * One remote's directory: shards, heads, authority and terms as plain files (docs/spec/04-snapshot-and-head.md § Files).
 * Invariants: a file has its name only when its bytes are synced; `write` returns when the names are synced too; what is
 * newer there, put by another device of the vault, is never replaced by something older.
 */
import { join } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { isPlexiError, PlexiError } from '../../base/errors.ts'
import { mapBounded } from '../../base/queue.ts'
import type { Random } from '../../base/random.ts'
import { openAuthority } from '../../crypto/authority.ts'
import { openTerms } from '../../crypto/terms.ts'
import { SHARD_BYTES, verifyShard, type FoundHead, type HeadBundle, type ShardId } from '../../shard/index.ts'
import type { EngineKeys } from '../engine-keys.ts'
import { DirectoryNetwork } from '../local/directory-network.ts'

export interface RemoteDirectoryDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly keys: EngineKeys
}

export interface ShardBody {
  readonly id: ShardId
  readonly bytes: Uint8Array
}

const WRITES_AT_ONCE = 4
const AUTHORITY_BYTES = 256 * 1024
const SHARD_NAME = /^[0-9a-f]{64}$/

export class RemoteDirectory {
  readonly path: string
  /** Placing on it, as if it were the only host there is, and its heads. */
  readonly network: DirectoryNetwork
  readonly #deps: RemoteDirectoryDeps
  readonly #made = new Set<string>()

  constructor(path: string, deps: RemoteDirectoryDeps) {
    this.path = path
    this.network = new DirectoryNetwork({ directory: path }, deps)
    this.#deps = deps
  }

  /**
   * In `into` where that has room; undefined where it is not there. Checked against its id, also for those who check it
   * themselves: damage is to be noted here. Throws `STORAGE_SHARD_CORRUPT`, or what the disk throws.
   */
  async read(id: ShardId, into?: Uint8Array): Promise<Uint8Array | undefined> {
    let bytes
    try {
      bytes = await this.#deps.disk.readFile(this.#file(id), SHARD_BYTES, into)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      if (!isPlexiError(error, 'VALIDATION_LIMIT')) throw error
      bytes = new Uint8Array(0)
    }
    if (bytes.length === SHARD_BYTES && verifyShard(bytes, id)) return bytes
    throw new PlexiError('STORAGE_SHARD_CORRUPT', { shardId: toHex(id) })
  }

  async has(id: ShardId): Promise<boolean> {
    return (await this.#deps.disk.stat(this.#file(id)))?.size === SHARD_BYTES
  }

  /** Durable when it resolves. The directories are synced once each for all of them. */
  async write(shards: readonly ShardBody[]): Promise<void> {
    const folders = new Set(shards.map(({ id }) => this.#folder(id)))
    for (const folder of folders) await this.#make(folder)
    await mapBounded(shards, WRITES_AT_ONCE, (shard) => this.#writeOne(shard))
    await mapBounded([...folders], WRITES_AT_ONCE, (folder) => this.#deps.disk.syncDirectory(folder))
  }

  async remove(ids: readonly ShardId[]): Promise<void> {
    for (const id of ids) await this.#deps.disk.unlink(this.#file(id))
  }

  /** Names of shards of whole length whose id begins with `first`; removes what an interrupted copy left. */
  async list(first: number): Promise<Set<string>> {
    const { disk } = this.#deps
    const folder = join(this.path, 'shards', first.toString(16).padStart(2, '0'))
    const found = new Set<string>()
    if ((await disk.stat(folder)) === undefined) return found
    for (const name of (await disk.readdir(folder)).map(String)) {
      if (SHARD_NAME.test(name)) found.add(name)
      else if (name.endsWith('.tmp')) await disk.unlink(join(folder, name))
    }
    return found
  }

  /** Leaves this device's head there, with the newest authority and terms of what is there and what is given. */
  async writeHead(bundle: HeadBundle): Promise<void> {
    const { keys } = this.#deps
    const authority = await this.#newer('authority', bundle.authority, (bytes) => {
      return openAuthority(bytes, { key: keys.shared.authority, vault: keys.vault }).version
    })
    const terms = await this.#newer('terms', bundle.terms, (bytes) => openTerms(bytes, keys.vault).version)
    const { faults } = await this.network.publishHead({ ...bundle, authority, terms })
    const [fault] = faults
    if (fault === undefined) return
    if (fault.why === 'full') throw new PlexiError('STORAGE_REMOTE_FULL', { path: this.path })
    throw new PlexiError('STORAGE_IO', { what: this.path, reason: fault.detail })
  }

  /** Heads of all devices that share the directory. Nothing is believed of them here. */
  async heads(): Promise<FoundHead[]> {
    return this.network.findHeads()
  }

  async space(): Promise<{ totalBytes: number; freeBytes: number }> {
    return this.#deps.disk.space(this.path)
  }

  async #newer(name: string, ours: Uint8Array, versionOf: (bytes: Uint8Array) => number): Promise<Uint8Array> {
    const path = join(this.path, name)
    if ((await this.#deps.disk.stat(path)) === undefined) return ours
    try {
      const there = await this.#deps.disk.readFile(path, AUTHORITY_BYTES)
      return versionOf(there) > versionOf(ours) ? there : ours
    } catch (error) {
      // Damaged or not ours: replaced by what is right.
      if (isPlexiError(error)) return ours
      throw error
    }
  }

  async #make(folder: string): Promise<void> {
    if (this.#made.has(folder)) return
    await this.#deps.disk.mkdir(folder)
    await this.#deps.disk.syncDirectory(join(this.path, 'shards'))
    this.#made.add(folder)
  }

  async #writeOne({ id, bytes }: ShardBody): Promise<void> {
    const { disk, random } = this.#deps
    const path = this.#file(id)
    const temporary = `${path}.${toHex(random.bytes(6))}.tmp`
    try {
      const file = await disk.open(temporary, 'create')
      try {
        await file.write(bytes, 0)
        await file.sync()
      } finally {
        await file.close()
      }
      await disk.rename(temporary, path)
    } catch (error) {
      await disk.unlink(temporary).catch(() => false)
      throw error
    }
  }

  #folder(id: ShardId): string {
    return join(this.path, 'shards', toHex(id).slice(0, 2))
  }

  #file(id: ShardId): string {
    return join(this.#folder(id), toHex(id))
  }
}

/**
 * The remotes of this device and whether they are there. Spec: docs/REMOTES.md.
 * Invariants: a remote is touched only while its own marker lies in its directory; a directory that hangs is asked by
 * one question at a time; nothing is refused to start because a drive is away.
 */
import { equal, fromHex, toHex } from '../../base/bytes.ts'
import { SECOND, type Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { shardId } from '../../shard/index.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { RemoteRow } from '../catalogue/remote-rows.ts'
import type { EngineKeys } from '../engine-keys.ts'
import { readMarker, writeMarker } from './marker.ts'
import { RemoteDirectory } from './remote-directory.ts'
import { REMOTE_GROUP } from './remote-group.ts'

/** `foreign`: something else is in its place · `failed`: it is there and errs, `reason` says how. */
export type RemoteState = 'present' | 'absent' | 'foreign' | 'full' | 'failed'

/** A remote at work. */
export interface Remote {
  readonly no: number
  readonly path: string
  readonly directory: RemoteDirectory
  state: RemoteState
  reason: string
  /** `elapsed()` from when on it is tried again after it was full or failed. */
  retryAt: number
  /** It is being looked through. */
  surveying: boolean
}

export interface RemoteBookDeps {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly keys: EngineKeys
  readonly catalogue: Catalogue
}

export const MAX_REMOTES = 16
const PROBE_MS = 5 * SECOND
/** A full or failing remote is left alone for so long. */
const REST_MS = 60 * SECOND
const SEEN_EVERY_MS = 60 * SECOND

export class RemoteBook {
  readonly #deps: RemoteBookDeps
  readonly #remotes = new Map<number, Remote>()
  readonly #probing = new Map<number, { readonly since: number; readonly done: Promise<void> }>()
  #closed = false

  constructor(deps: RemoteBookDeps) {
    this.#deps = deps
    for (const row of deps.catalogue.remotes.all()) this.#know(row)
  }

  rows(): readonly RemoteRow[] {
    return this.#deps.catalogue.remotes.all()
  }

  all(): Remote[] {
    return [...this.#remotes.values()]
  }

  /** Those that can be read. */
  readable(): Remote[] {
    return this.all().filter(({ state }) => state === 'present' || state === 'full')
  }

  writable(): Remote[] {
    const now = this.#deps.clock.elapsed()
    return this.all().filter(({ state, retryAt }) => state === 'present' || (state === 'full' && now >= retryAt))
  }

  /** By id, an unambiguous start of it, or path. Throws `STORAGE_NOT_FOUND`. */
  find(name: string): { row: RemoteRow; remote: Remote } {
    const rows = this.rows()
    const exact = rows.filter(({ path, id }) => path === name || toHex(id) === name)
    const fits = exact.length > 0 ? exact : rows.filter(({ id }) => name.length >= 4 && toHex(id).startsWith(name))
    const [row] = fits
    const remote = row === undefined ? undefined : this.#remotes.get(row.no)
    if (row === undefined || remote === undefined || fits.length > 1)
      throw new PlexiError('STORAGE_NOT_FOUND', { what: `remote ${name}` }, { remedy: 'plexichat remote ls' })
    return { row, remote }
  }

  /**
   * Takes a directory for a remote: an empty or new one, or one of this vault. Its parent must be there, so that the
   * place of a drive that is not mounted is not taken for the drive. Throws `STORAGE_REMOTE_FOREIGN`, `STORAGE_REMOTE_ABSENT`.
   */
  async add(path: string): Promise<Remote> {
    const { disk, catalogue, clock, random, keys } = this.#deps
    const known = this.rows().find((row) => row.path === path)
    if (known !== undefined) return this.find(path).remote
    if (this.rows().length >= MAX_REMOTES)
      throw new PlexiError('VALIDATION_LIMIT', { what: 'remotes', limit: MAX_REMOTES })
    const marker = await this.#inspect(path)
    const remote = marker ?? { remote: random.bytes(16), vault: keys.vault }
    if (marker === undefined) {
      await disk.mkdir(`${path}/shards`)
      await writeMarker(disk, path, remote)
    }
    const rival = this.rows().find((row) => equal(row.id, remote.remote))
    if (rival !== undefined)
      throw new PlexiError('STORAGE_REMOTE_FOREIGN', { path, reason: `it is the remote known as ${rival.path}` })
    const no = catalogue.commit(() => catalogue.remotes.add({ id: remote.remote, path, time: clock.now() }))
    const row = this.rows().find((each) => each.no === no) as RemoteRow
    const added = this.#know(row)
    await this.#probe(added, row)
    return added
  }

  /** Its files stay. Throws `STORAGE_REMOTE_LAST_COPY` unless forced: what lay only there is stored again by the next backup. */
  remove(name: string, force: boolean): RemoteRow {
    const { catalogue } = this.#deps
    const { row } = this.find(name)
    const shards = catalogue.remotes.onlyHere(row.no, REMOTE_GROUP)
    if (shards > 0 && !force) throw new PlexiError('STORAGE_REMOTE_LAST_COPY', { path: row.path, shards })
    catalogue.commit(() => {
      if (shards > 0) catalogue.remotes.loseOnlyHere(row.no, REMOTE_GROUP)
      catalogue.remotes.remove(row.no)
      if (shards > 0) catalogue.touch()
    })
    this.#remotes.delete(row.no)
    return row
  }

  /** Looks which remotes are there; one that came is looked through. Returns when all have answered or are late. */
  async look(): Promise<void> {
    await Promise.all(this.rows().map((row) => this.#lookAt(row)))
  }

  /** To be awaited before the catalogue closes. A remote that hangs is not waited for. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#probing.values()].map(({ done }) => this.#soon(done)))
  }

  async #lookAt(row: RemoteRow): Promise<void> {
    const remote = this.#remotes.get(row.no)
    if (remote === undefined || this.#closed) return
    const { clock } = this.#deps
    const running = this.#probing.get(row.no)
    if (running === undefined) {
      const done = this.#probe(remote, row).finally(() => this.#probing.delete(row.no))
      this.#probing.set(row.no, { since: clock.elapsed(), done })
      await this.#soon(done)
    } else if (!remote.surveying && clock.elapsed() - running.since > PROBE_MS) {
      this.#note(remote, 'failed', 'it does not answer')
    }
  }

  async #soon(done: Promise<void>): Promise<void> {
    const stop = new AbortController()
    const late = this.#deps.clock.sleep(PROBE_MS, stop.signal).catch(() => undefined)
    try {
      await Promise.race([done, late])
    } finally {
      stop.abort()
    }
  }

  /** Work on a remote failed: what does that say about it? */
  failed(remote: Remote, error: unknown): void {
    const { code, message } = toPlexiError(error)
    if (this.#closed) return
    this.#deps.log.warn('work on a remote failed', { path: remote.path, code, error: message })
    remote.retryAt = this.#deps.clock.elapsed() + REST_MS
    if (code === 'STORAGE_DISK_FULL' || code === 'STORAGE_REMOTE_FULL') this.#note(remote, 'full', 'the disk is full')
    else this.#note(remote, 'failed', message)
  }

  /** It works again. */
  worked(remote: Remote): void {
    if (remote.state === 'full') this.#note(remote, 'present', '')
  }

  async #inspect(path: string): Promise<{ remote: Uint8Array; vault: EngineKeys['vault'] } | undefined> {
    const { disk, keys } = this.#deps
    const foreign = (reason: string): PlexiError => new PlexiError('STORAGE_REMOTE_FOREIGN', { path, reason })
    const stat = await disk.stat(path)
    if (stat === undefined) {
      const parent = path.slice(0, Math.max(1, path.lastIndexOf('/')))
      if ((await disk.stat(parent))?.kind !== 'directory')
        throw new PlexiError('STORAGE_REMOTE_ABSENT', { path, reason: `${parent} is no directory` })
      await disk.mkdir(path)
      return undefined
    }
    if (stat.kind !== 'directory') throw foreign('it is no directory')
    const marker = await readMarker(disk, path)
    if (marker === 'other') throw foreign('it holds shards of something else')
    if (marker === 'none') {
      const names = (await disk.readdir(path)).map(String).filter((name) => name !== 'lost+found')
      if (names.length === 0) return undefined
      throw foreign(`it holds other files (${names[0] ?? ''})`)
    }
    if (!equal(marker.vault, keys.vault)) throw foreign('it belongs to another vault')
    return marker
  }

  #know(row: RemoteRow): Remote {
    const directory = new RemoteDirectory(row.path, this.#deps)
    const remote: Remote = {
      no: row.no,
      path: row.path,
      directory,
      state: 'absent',
      reason: '',
      retryAt: 0,
      surveying: false,
    }
    this.#remotes.set(row.no, remote)
    return remote
  }

  async #probe(remote: Remote, row: RemoteRow): Promise<void> {
    const { disk, keys, catalogue, clock } = this.#deps
    const before = remote.state
    if (before === 'failed' && clock.elapsed() < remote.retryAt) return
    try {
      const marker = await readMarker(disk, remote.path)
      if (marker === 'none') {
        this.#note(remote, 'absent', 'its directory does not hold it')
        return
      }
      if (marker === 'other' || !equal(marker.remote, row.id) || !equal(marker.vault, keys.vault)) {
        this.#note(remote, 'foreign', 'another remote is in its place')
        return
      }
      if (before !== 'present' && before !== 'full') {
        remote.surveying = true
        await this.#survey(remote).finally(() => (remote.surveying = false))
        this.#note(remote, 'present', '')
      }
      if (clock.now() - row.seen > SEEN_EVERY_MS)
        catalogue.commit(() => {
          catalogue.remotes.setSeen(row.no, clock.now())
        })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') this.#note(remote, 'absent', 'its directory is not there')
      else this.failed(remote, error)
    }
  }

  /** Holds what the catalogue says against what lies there: a drive may have been changed while it was away. */
  async #survey(remote: Remote): Promise<void> {
    const { catalogue } = this.#deps
    for (let first = 0; first < 256 && !this.#closed; first++) {
      const there = await remote.directory.list(first)
      const listed = catalogue.remotes.heldWith(remote.no, first)
      const gone = listed.filter(({ id }) => !there.delete(toHex(id))).map(({ no }) => no)
      const found: number[] = []
      for (const name of there) {
        const row = catalogue.shards.find(shardId(fromHex(name)))
        if (row !== undefined && (await remote.directory.has(row.id))) found.push(row.no)
      }
      if (gone.length + found.length === 0) continue
      catalogue.commit(() => {
        catalogue.remotes.dropShards(remote.no, gone)
        catalogue.remotes.addShards(remote.no, found)
        if (gone.length > 0) catalogue.remotes.setIncomplete(remote.no)
      })
    }
  }

  #note(remote: Remote, state: RemoteState, reason: string): void {
    if (remote.state !== state) this.#deps.log.info('remote', { path: remote.path, state, reason })
    remote.state = state
    remote.reason = reason
  }
}

/**
 * One restore from its request to its summary. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariant: what cannot be restored is listed and does not stop the rest; run again, it goes on where it stopped.
 */
import { Buffer } from 'node:buffer'
import { isAbsolute, resolve } from 'node:path'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import type { EventStream } from '../events.ts'
import { faultNote } from '../notes.ts'
import { ChunkReader } from '../read/chunk-reader.ts'
import { ShardReader } from '../read/shard-reader.ts'
import type { RestoreEvent, RestoreRequest, RestoreSummary } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, splitReference } from '../snapshot/find.ts'
import { nameText } from '../sources/excludes.ts'
import { isNode, lookup } from '../tree/lookup.ts'
import type { NodeList, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { Failures } from './failures.ts'
import { firstPattern } from './first.ts'
import { Links, type Link } from './links.ts'
import { sameContent } from './same-content.ts'
import { selected, type Selected } from './selected.ts'
import { Target } from './target.ts'
import { RestoreWindow, type RestoreFile } from './window.ts'

/** The first windows are small, so that writing starts early. */
const FIRST_WINDOW = 4096

export class RestoreRun {
  readonly #session: Session
  readonly #request: RestoreRequest
  readonly #events: EventStream<RestoreEvent>
  readonly #signal: AbortSignal
  readonly #target: Target
  readonly #tree: TreeReader
  readonly #window: RestoreWindow
  readonly #links: Links
  readonly #failed = new Failures()
  readonly #count = { files: 0, dirs: 0, bytes: 0, unchanged: 0, filesTotal: 0, bytesTotal: 0, totalKnown: false }
  #pouring: Promise<void> = Promise.resolve()
  #windowSize = FIRST_WINDOW
  #attributesLeft = 0

  constructor(
    session: Session,
    request: RestoreRequest,
    run: { events: EventStream<RestoreEvent>; signal: AbortSignal },
  ) {
    const { parts } = session
    this.#session = session
    this.#request = request
    this.#events = run.events
    this.#signal = run.signal
    if (!isAbsolute(request.to))
      throw new PlexiError('VALIDATION_USAGE', { reason: 'the target must be an absolute path' })
    const { restoreOwners } = parts.options
    const { overwrite = 'never', verify = false } = request
    this.#target = new Target({ to: resolve(request.to), overwrite, restoreOwners }, parts)
    this.#links = new Links(this.#target)
    const shards = new ShardReader(parts)
    shards.onFault = ({ shardId, fault }) => {
      this.#events.emit(faultNote(shardId, fault))
    }
    const chunks = new ChunkReader(parts, shards)
    this.#tree = session.tree(run.signal, chunks)
    this.#window = new RestoreWindow({
      ...{ parts, chunks, shards, verify, signal: run.signal },
      done: () => this.#count.files++,
      fail: (file, error) => {
        this.#failFile(file, error)
      },
      poured: ({ bytes, attributesLeft }) => {
        this.#count.bytes += bytes
        this.#attributesLeft += attributesLeft
        this.#progress()
      },
    })
  }

  async run(): Promise<RestoreSummary> {
    const { clock, kernel, remotes } = this.#session.parts
    const startedAt = clock.elapsed()
    await remotes.look()
    const reference = splitReference(this.#request.snapshot)
    const named = findSnapshot(this.#session.parts, reference.snapshot, this.#request.filter)
    const { at: found } = await lookup(this.#tree, named, this.#request.path ?? reference.path ?? '')
    if (!isNode(found)) {
      this.#count.filesTotal = named.snapshot.stats.files
      this.#count.bytesTotal = named.snapshot.stats.bytes
      this.#count.totalKnown = true
    }
    await this.#open()
    try {
      await kernel.use(() => this.#everything(found))
    } finally {
      await this.#pouring.catch(() => undefined)
      await this.#target.finishDirectories((at, error) => {
        this.#fail(at, error)
      })
    }
    this.#tellWhatStays()
    const { files, dirs, bytes, unchanged } = this.#count
    const seconds = (clock.elapsed() - startedAt) / 1000
    return { type: 'summary', files, dirs, bytes, unchanged, seconds, failed: this.#failed.list() }
  }

  async #open(): Promise<void> {
    try {
      await this.#target.open()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTDIR' && code !== 'EEXIST') throw error
      const texts = { message: `${this.#request.to} is not a directory`, remedy: 'name a directory with --to' }
      throw new PlexiError('STORAGE_TARGET_EXISTS', { path: this.#request.to }, { ...texts, cause: error })
    }
  }

  /** What was asked for first, then the rest; links at the end, and what could not be linked as files of their own. */
  async #everything(found: TreeNode | NodeList): Promise<void> {
    const { first } = this.#request
    const isFirst = firstPattern(first)
    if (first !== undefined) {
      await this.#pass(found, isFirst)
      await this.#pour(true)
    }
    await this.#pass(found, (path) => first === undefined || !isFirst(path))
    this.#count.totalKnown = true
    await this.#pour(true)
    const { waiting, more } = this.#links.take()
    for (const link of waiting) await this.#link(link)
    if (more) await this.#linksLeft(found, isFirst)
    await this.#pour(true)
  }

  /** More links than could be remembered: the tree is walked once more, in the same order. */
  async #linksLeft(found: TreeNode | NodeList, isFirst: (path: Buffer) => boolean): Promise<void> {
    const passes = this.#request.first === undefined ? [() => true] : [isFirst, (path: Buffer) => !isFirst(path)]
    for (const wanted of passes) await this.#linkPass(found, wanted)
  }

  async #linkPass(found: TreeNode | NodeList, wanted: (path: Buffer) => boolean): Promise<void> {
    const fullPaths = this.#request.fullPaths === true
    for await (const entry of selected(found, { tree: this.#tree, fullPaths })) {
      this.#signal.throwIfAborted()
      // Told before.
      if ('error' in entry) continue
      const { node, path: relative } = entry
      const path = this.#target.pathOf(relative)
      if (node.type === 'dir') entry.descend = this.#target.hasDirectory(path)
      else if (node.type !== 'socket' && wanted(relative) && this.#links.isLeft({ path, node }))
        await this.#link({ path, node })
    }
  }

  async #pass(found: TreeNode | NodeList, wanted: (path: Buffer) => boolean): Promise<void> {
    const fullPaths = this.#request.fullPaths === true
    for await (const entry of selected(found, { tree: this.#tree, fullPaths })) {
      this.#signal.throwIfAborted()
      if ('error' in entry) this.#fail(entry.path, entry.error)
      else await this.#entry(entry, wanted)
    }
  }

  async #entry(entry: Selected, wanted: (path: Buffer) => boolean): Promise<void> {
    const { node, above } = entry
    const path = this.#target.pathOf(entry.path)
    try {
      if (node.type !== 'dir' && !wanted(entry.path)) return
      for (const directory of above) await this.#target.directory(this.#target.pathOf(directory))
      if (node.type === 'dir') {
        if (await this.#target.directory(path, node)) this.#count.dirs++
      } else if (node.type === 'socket') this.#socket(path)
      else if (this.#links.defer({ path, node })) return
      else if (node.type === 'file') await this.#file(path, node)
    } catch (error) {
      this.#signal.throwIfAborted()
      entry.descend = false
      this.#fail(path, error)
    }
  }

  async #file(path: Buffer, node: TreeNode): Promise<void> {
    const { size = 0 } = node
    if (!this.#count.totalKnown) {
      this.#count.filesTotal++
      this.#count.bytesTotal += size
    }
    const verdict = this.#target.isFresh(parentOf(path)) ? 'write' : await this.#target.judge(path, node)
    if (verdict === 'keep') this.#kept(path)
    else if (verdict === 'intact' && (this.#request.verify !== true || (await this.#isIntact(path, node)))) {
      await this.#target.dress(path, this.#target.ownership.look(node))
      this.#count.unchanged++
      this.#count.files++
      this.#count.bytes += size
      this.#progress()
    } else await this.#plan(path, node)
  }

  /** Hands the file's extents to the window, which is emptied whenever it is full: also in the middle of a file. */
  async #plan(path: Buffer, node: TreeNode): Promise<void> {
    const { content, size = 0 } = node
    const look = this.#target.ownership.look(node)
    const staged = this.#target.stagingPath()
    const state = { planned: false, batches: 0, waiting: 0, failed: false }
    const file: RestoreFile = { path, staged: Buffer.from(staged).toString('latin1'), size, look, ...state }
    try {
      let at = 0
      if (content !== undefined) {
        for await (const extent of this.#tree.extents(content, size)) {
          this.#window.add(file, extent, at)
          at += extent.length
          await this.#pour(false)
        }
      }
      this.#window.planned(file)
      await this.#pour(false)
    } catch (error) {
      this.#signal.throwIfAborted()
      if (endsAll(error)) throw error
      this.#failFile(file, error)
    }
  }

  /** The next window is planned while this one is poured. `now`: everything, to its end. */
  async #pour(now: boolean): Promise<void> {
    if (!now && this.#window.size < this.#windowSize) return
    await this.#pouring
    this.#windowSize = Math.min(this.#windowSize * 2, this.#session.parts.options.restoreWindowExtents)
    this.#pouring = this.#window.run()
    this.#pouring.catch(() => undefined)
    if (now) await this.#pouring
  }

  #isIntact(path: Buffer, node: TreeNode): Promise<boolean> {
    const { disk, keys } = this.#session.parts
    return sameContent(path, node, { disk, tree: this.#tree, idMac: keys.shared.idMac })
  }

  async #link({ path, node }: Link): Promise<void> {
    this.#signal.throwIfAborted()
    await this.#guard(path, () => this.#makeLink({ path, node }))
  }

  async #makeLink({ path, node }: Link): Promise<void> {
    const made = await this.#links.make({ path, node })
    if (made === 'keep') this.#kept(path)
    else if (made === 'copy') await this.#file(path, node)
    else if (node.type === 'file') {
      this.#count.files++
      this.#count.bytes += node.size ?? 0
    }
  }

  #socket(path: Buffer): void {
    const message = 'a socket is not restored: the program that listens on it makes it'
    this.#events.emit({ type: 'note', about: 'target', message, path: nameText(path) })
  }

  #kept(path: Buffer): void {
    this.#events.emit({ type: 'note', about: 'target', message: 'newer, kept', path: nameText(path) })
  }

  #tellWhatStays(): void {
    const { leftAlone, attributesLeft } = this.#target.ownership
    const attributes = attributesLeft + this.#attributesLeft + this.#target.attributesLeft
    const tell = (message: string): void => {
      this.#events.emit({ type: 'note', about: 'target', message })
    }
    if (leftAlone > 0) tell(`${String(leftAlone)} entries belonged to others: only root can give them back`)
    if (attributes > 0) tell(`${String(attributes)} extended attributes could not be set`)
  }

  async #guard(path: Buffer, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#fail(path, error)
    }
  }

  #failFile(file: RestoreFile, error: unknown): void {
    if (file.failed) return
    file.failed = true
    this.#fail(file.path, error)
  }

  #fail(path: Buffer, error: unknown): void {
    if (endsAll(error)) throw toPlexiError(error)
    this.#failed.add(path, error)
  }

  #progress(): void {
    this.#events.progress(() => {
      const { files, bytes, filesTotal, bytesTotal, totalKnown } = this.#count
      return { type: 'progress', filesDone: files, bytesDone: bytes, filesTotal, bytesTotal, totalKnown }
    })
  }
}

/** No other file would fare better. */
function endsAll(error: unknown): boolean {
  const { code } = toPlexiError(error)
  return code === 'STORAGE_DISK_FULL' || code === 'AUTH_GRANT_MISSING'
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f))
}

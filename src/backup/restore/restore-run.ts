/**
 * One restore from its request to its summary. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariant: what cannot be restored is listed and does not stop the rest; run again, it goes on where it stopped.
 */
import { Buffer } from 'node:buffer'
import { isAbsolute, resolve } from 'node:path'
import { equal } from '../../base/bytes.ts'
import { PlexiError, toPlexiError } from '../../base/errors.ts'
import { chunkIdOf } from '../../shard/index.ts'
import { malformed } from '../codec/fields.ts'
import type { EventStream } from '../events.ts'
import { faultNote } from '../notes.ts'
import { limits } from '../options.ts'
import { ChunkReader } from '../read/chunk-reader.ts'
import { ShardReader } from '../read/shard-reader.ts'
import type { Failed, RestoreEvent, RestoreRequest, RestoreSummary } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, splitReference, type NamedSnapshot } from '../snapshot/find.ts'
import { nameText } from '../sources/excludes.ts'
import { join } from '../sources/walk.ts'
import { isNode, lookup } from '../tree/lookup.ts'
import { checkName, type NodeList, type TreeNode } from '../tree/node.ts'
import { TreeReader } from '../tree/tree-reader.ts'
import { StagedFiles, type FileJob } from './staged-file.ts'
import { Target } from './target.ts'
import { isZero } from './zeros.ts'
import { RestoreWindow } from './window.ts'

export class RestoreRun {
  readonly #session: Session
  readonly #request: RestoreRequest
  readonly #events: EventStream<RestoreEvent>
  readonly #signal: AbortSignal
  readonly #target: Target
  readonly #files: StagedFiles
  readonly #tree: TreeReader
  readonly #window: RestoreWindow
  readonly #links: { path: Buffer; node: TreeNode }[] = []
  readonly #hardLinks: { path: Buffer; node: TreeNode; first: Buffer }[] = []
  /** Where each inode with several names is restored. */
  readonly #firstNames = new Map<number, Buffer>()
  readonly #failed: Failed[] = []
  readonly #count = { files: 0, dirs: 0, bytes: 0, unchanged: 0, filesTotal: 0, bytesTotal: 0, totalKnown: false }

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
    this.#target = new Target(
      { to: resolve(request.to), overwrite: request.overwrite ?? 'never', restoreOwners },
      parts,
    )
    this.#files = new StagedFiles(parts.disk, () => this.#target.stagingPath())
    const shards = new ShardReader(parts)
    shards.onFault = ({ shardId, fault }) => {
      this.#events.emit(faultNote(shardId, fault))
    }
    const chunks = new ChunkReader(parts, shards)
    this.#tree = new TreeReader((id) => chunks.read(id, run.signal))
    this.#window = new RestoreWindow({
      chunks,
      shards,
      fetchesInFlight: parts.options.fetchesInFlight,
      signal: run.signal,
      write: (job, bytes, at) => this.#write(job, bytes, at),
      fail: (job, error) => this.#failFile(job, error),
    })
  }

  async run(): Promise<RestoreSummary> {
    const { clock } = this.#session.parts
    const startedAt = clock.elapsed()
    const reference = splitReference(this.#request.snapshot)
    const named = findSnapshot(this.#session.parts, reference.snapshot, this.#request.filter)
    const path = this.#request.path ?? reference.path ?? ''
    const found = await lookup(this.#tree, named, path)
    await this.#prepare(named, isNode(found))
    try {
      if (isNode(found)) await this.#top(found)
      else await this.#children(this.#target.root, found, { fresh: false, depth: 0, top: true })
      this.#count.totalKnown = true
      await this.#window.run()
      await this.#makeLinks()
      await this.#makeHardLinks()
    } finally {
      await this.#target.finishDirectories((at, error) => {
        this.#fail(at, error)
      })
    }
    const { files, dirs, bytes, unchanged } = this.#count
    const seconds = (clock.elapsed() - startedAt) / 1000
    return { type: 'summary', files, dirs, bytes, unchanged, seconds, failed: this.#failed }
  }

  async #prepare({ snapshot }: NamedSnapshot, part: boolean): Promise<void> {
    if (!part) {
      this.#count.filesTotal = snapshot.stats.files
      this.#count.bytesTotal = snapshot.stats.bytes
      this.#count.totalKnown = true
    }
    try {
      await this.#target.open()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOTDIR' && code !== 'EEXIST') throw error
      throw new PlexiError('STORAGE_TARGET_EXISTS', { path: this.#request.to }, { cause: error })
    }
  }

  /** A node right below the target: under its name, or under the absolute path it came from. */
  async #top(node: TreeNode): Promise<void> {
    let directory = this.#target.root
    let name = node.name
    if (this.#request.fullPaths === true && node.origin !== undefined) {
      const names = splitOrigin(node.origin)
      name = names.pop() ?? name
      for (const part of names) {
        directory = join(directory, part)
        await this.#target.directory(directory)
      }
    }
    await this.#entry(join(directory, name), node, { fresh: false, depth: 0 })
  }

  async #children(
    directory: Buffer,
    list: NodeList,
    at: { fresh: boolean; depth: number; top?: boolean },
  ): Promise<void> {
    if (at.depth > limits.pathDepth) throw malformed('tree', 'too deep')
    for await (const node of this.#tree.nodes(list)) {
      this.#signal.throwIfAborted()
      if (at.top === true) await this.#guard(join(directory, node.name), () => this.#top(node))
      else await this.#entry(join(directory, node.name), node, at)
    }
  }

  async #entry(path: Buffer, node: TreeNode, at: { fresh: boolean; depth: number }): Promise<void> {
    await this.#guard(path, async () => {
      const first = this.#otherName(path, node)
      if (first !== undefined) this.#hardLinks.push({ path, node, first })
      else if (node.type === 'file') await this.#file(path, node, at.fresh)
      else if (node.type === 'link') this.#links.push({ path, node })
      else if (node.type === 'socket') this.#socket(path)
      else if (node.type === 'dir' && node.list !== undefined) {
        const { fresh } = await this.#target.directory(path, node)
        this.#count.dirs++
        await this.#children(path, node.list, { fresh, depth: at.depth + 1 })
      } else await this.#target.special(path, node)
    })
  }

  /** Where this very inode is restored under another name. */
  #otherName(path: Buffer, node: TreeNode): Buffer | undefined {
    if (node.hardLink === undefined || node.type === 'dir' || node.type === 'socket') return undefined
    const first = this.#firstNames.get(node.hardLink)
    if (first === undefined) this.#firstNames.set(node.hardLink, path)
    return first
  }

  #socket(path: Buffer): void {
    const message = 'a socket is not restored: the program that listens on it makes it'
    this.#events.emit({ type: 'note', about: 'target', message, path: nameText(path) })
  }

  async #file(path: Buffer, node: TreeNode, fresh: boolean): Promise<void> {
    const { size = 0 } = node
    if (!this.#count.totalKnown) {
      this.#count.filesTotal++
      this.#count.bytesTotal += size
    }
    const verdict = fresh ? 'write' : await this.#target.judge(path, node)
    if (verdict === 'intact' && (this.#request.verify !== true || (await this.#sameContent(path, node)))) {
      await this.#target.metadata(path, node)
      this.#count.unchanged++
      this.#done(size)
      return
    }
    if (verdict === 'keep') {
      this.#events.emit({ type: 'note', about: 'target', message: 'newer, kept', path: nameText(path) })
      return
    }
    await this.#plan({ path, node, missing: size, failed: false, done: false })
  }

  /** Hands the file's extents to the window, which is emptied whenever it is full: also in the middle of a file. */
  async #plan(job: FileJob): Promise<void> {
    const { content, size = 0 } = job.node
    try {
      let at = 0
      if (content !== undefined) {
        for await (const extent of this.#tree.extents(content, size)) {
          if (extent.chunk === null) job.missing -= extent.length
          else this.#window.add(job, extent, at)
          at += extent.length
          if (this.#window.extents >= this.#session.parts.options.restoreWindowExtents) await this.#window.run()
        }
      }
      await this.#completeIfWhole(job)
    } catch (error) {
      this.#signal.throwIfAborted()
      await this.#failFile(job, error)
    }
  }

  async #write(job: FileJob, bytes: Uint8Array, at: number): Promise<void> {
    await this.#files.write(job, bytes, at)
    job.missing -= bytes.length
    this.#count.bytes += bytes.length
    this.#progress()
    await this.#completeIfWhole(job)
  }

  async #completeIfWhole(job: FileJob): Promise<void> {
    if (job.missing > 0 || job.failed || job.done) return
    job.done = true
    const staged = await this.#files.complete(job)
    await this.#target.commitFile(staged, job.path, job.node)
    this.#count.files++
    this.#progress()
  }

  #done(bytes: number): void {
    this.#count.files++
    this.#count.bytes += bytes
    this.#progress()
  }

  /** Whether a file that looks intact has the content of the snapshot, chunk by chunk. */
  async #sameContent(path: Buffer, node: TreeNode): Promise<boolean> {
    const { disk, keys } = this.#session.parts
    if (node.content === undefined) return true
    const file = await disk.open(path, 'read')
    try {
      let at = 0
      for await (const { chunk, from, length } of this.#tree.extents(node.content, node.size ?? 0)) {
        if (chunk === null) {
          if (!(await isZero(file, at, length))) return false
        } else {
          const bytes = Buffer.alloc(length)
          if ((await file.read(bytes, at)) !== length || from !== 0) return false
          if (!equal(chunkIdOf(keys.shared.idMac, bytes), chunk)) return false
        }
        at += length
      }
      return true
    } finally {
      await file.close()
    }
  }

  /** Names of inodes that are there by now. What the first name failed to bring, the others cannot bring either. */
  async #makeHardLinks(): Promise<void> {
    for (const { path, node, first } of this.#hardLinks) {
      this.#signal.throwIfAborted()
      await this.#guard(path, async () => {
        await this.#target.hardLink(path, first, node)
        if (node.type !== 'file') return
        this.#done(node.size ?? 0)
      })
    }
    const { attributesLeft } = this.#target
    if (attributesLeft === 0) return
    const message = `${String(attributesLeft)} extended attributes could not be set: no rights, or no room for them here`
    this.#events.emit({ type: 'note', about: 'target', message })
  }

  async #makeLinks(): Promise<void> {
    for (const { path, node } of this.#links) {
      this.#signal.throwIfAborted()
      await this.#guard(path, async () => {
        await this.#target.link(path, node)
      })
    }
  }

  async #guard(path: Buffer, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#fail(path, error)
    }
  }

  async #failFile(job: FileJob, error: unknown): Promise<void> {
    if (job.failed) return
    job.failed = true
    this.#fail(job.path, error)
    await this.#files.discard(job)
  }

  #fail(path: Buffer, error: unknown): void {
    const { code, message } = toPlexiError(error)
    if (code === 'STORAGE_DISK_FULL') throw toPlexiError(error)
    this.#failed.push({ path: nameText(path), code, reason: message })
  }

  #progress(): void {
    this.#events.progress(() => {
      const { files, bytes, filesTotal, bytesTotal, totalKnown } = this.#count
      return { type: 'progress', filesDone: files, bytesDone: bytes, filesTotal, bytesTotal, totalKnown }
    })
  }
}

/** The components of an absolute path from a snapshot, each checked like a name. */
function splitOrigin(origin: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  let start = 0
  for (let at = 0; at <= origin.length; at++) {
    if (at < origin.length && origin[at] !== 0x2f) continue
    if (at > start) names.push(checkName(origin.subarray(start, at)))
    start = at + 1
  }
  return names
}

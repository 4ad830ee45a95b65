/** Looking into snapshots: listing, comparing, finding by name, reading files. */
import { matchesGlob } from 'node:path'
import { PlexiError } from '../../base/errors.ts'
import type { SnapshotFilter } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, listSnapshots } from '../snapshot/find.ts'
import { nameText } from '../sources/excludes.ts'
import { isNode, lookup } from '../tree/lookup.ts'
import type { NodeList, NodeType, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { archive } from '../archive/archive.ts'
import { readContent, type ByteRange } from './content.ts'
import { TreeDiff, type Change } from './diff.ts'

export interface Entry {
  /** Names from the top of the snapshot. */
  readonly path: string
  readonly type: NodeType
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly user: string | null
  readonly group: string | null
  readonly mtimeNs: bigint
  readonly target: string | null
}

export interface Found extends Entry {
  readonly snapshot: string
}

/** Which snapshots are looked through. */
export interface FindWhere extends SnapshotFilter {
  /** Reference of the only one. */
  readonly snapshot?: string
}

/** A snapshot, and what of it: everything, a directory, or one entry. */
export interface Place {
  /** Snapshot reference. */
  readonly snapshot: string
  readonly path: string
}

export interface Difference {
  /** Names from what is compared; of one entry its name. */
  readonly path: string
  readonly change: Change
  /** With their paths from the top of their snapshots. */
  readonly before: Entry | null
  readonly after: Entry | null
}

export class Browser {
  readonly #session: Session
  readonly #tree: TreeReader
  readonly #signal: AbortSignal

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session
    this.#signal = signal
    this.#tree = session.tree(signal)
  }

  async *list(ref: string, path: string, recursive: boolean): AsyncGenerator<Entry> {
    const named = findSnapshot(this.#session.parts, ref)
    const found = await lookup(this.#tree, named, path)
    const prefix = namesOf(path)
    if (!isNode(found)) yield* this.#entries(found, [], recursive)
    else if (found.list === undefined) yield entryOf(found, prefix)
    else yield* this.#entries(found.list, prefix, recursive)
  }

  async *find(pattern: string, { snapshot: only, ...filter }: FindWhere): AsyncGenerator<Found> {
    const whole = pattern.includes('/')
    const { parts } = this.#session
    const looked = only === undefined ? listSnapshots(parts, filter) : [findSnapshot(parts, only, filter)]
    for (const { snapshot } of looked) {
      for await (const entry of this.#entries(snapshot.tree, [], true)) {
        const subject = whole ? entry.path : entry.path.slice(entry.path.lastIndexOf('/') + 1)
        if (matchesGlob(subject, whole ? pattern.replace(/^\//, '') : pattern))
          yield { ...entry, snapshot: snapshot.id }
      }
    }
  }

  /** Two directories, or two other entries. Throws `VALIDATION_USAGE` for one of each. */
  async *diff(from: Place, to: Place): AsyncGenerator<Difference> {
    const [before, after] = [await this.#compared(from), await this.#compared(to)]
    if ((before.list === undefined) !== (after.list === undefined))
      throw new PlexiError('VALIDATION_USAGE', { reason: 'a directory is compared with what is none' })
    const diff = new TreeDiff(this.#tree, this.#signal)
    const changes =
      before.list === undefined
        ? diff.nodes({ before: before.node, after: after.node })
        : diff.lists({ before: before.list, after: after.list })
    for await (const { path, change, ...nodes } of changes) {
      const sides = { before: sideOf(nodes.before, before, path), after: sideOf(nodes.after, after, path) }
      yield { path: path.join('/'), change, ...sides }
    }
  }

  /** Content of one file, or of a part of it that lies inside. */
  async *cat({ snapshot, path, range }: Place & { readonly range?: ByteRange }): AsyncGenerator<Uint8Array> {
    const named = findSnapshot(this.#session.parts, snapshot)
    const node = await lookup(this.#tree, named, path)
    if (!isNode(node) || node.content === undefined)
      throw new PlexiError('STORAGE_PATH_NOT_FOUND', { path, snapshot: named.snapshot.id, reason: 'not a file' })
    yield* readContent(node, this.#reading, range)
  }

  /** A tar stream of everything at and below a path. */
  async *archive({ snapshot, path }: Place): AsyncGenerator<Uint8Array> {
    const found = await lookup(this.#tree, findSnapshot(this.#session.parts, snapshot), path)
    const reading = this.#reading
    yield* archive(found, { ...reading, content: (node) => readContent(node, reading) })
  }

  get #reading() {
    return { tree: this.#tree, chunks: this.#session.chunks, signal: this.#signal }
  }

  async #compared({ snapshot, path }: Place): Promise<Compared> {
    const found = await lookup(this.#tree, findSnapshot(this.#session.parts, snapshot), path)
    if (!isNode(found)) return { names: [], list: found }
    return { names: namesOf(path), list: found.list, node: found }
  }

  async *#entries(list: NodeList, below: readonly string[], recursive: boolean): AsyncGenerator<Entry> {
    for await (const node of this.#tree.nodes(list)) {
      this.#signal.throwIfAborted()
      const path = [...below, nameText(node.name)]
      yield entryOf(node, path)
      if (recursive && node.list !== undefined) yield* this.#entries(node.list, path, true)
    }
  }
}

interface Compared {
  readonly names: readonly string[]
  readonly list: NodeList | undefined
  readonly node?: TreeNode
}

function sideOf(node: TreeNode | undefined, { names, list }: Compared, path: readonly string[]): Entry | null {
  if (node === undefined) return null
  return entryOf(node, list === undefined ? names : [...names, ...path])
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function entryOf(node: TreeNode, path: readonly string[]): Entry {
  const { type, mode, uid, gid, mtimeNs, size = 0, user = null, group = null } = node
  const target = node.target === undefined ? null : nameText(node.target)
  return { path: path.join('/'), type, size, mode, uid, gid, user, group, mtimeNs, target }
}

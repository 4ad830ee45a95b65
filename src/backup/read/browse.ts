/** Looking into snapshots: listing, comparing, finding by name, reading files. */
import { matchesGlob } from 'node:path'
import { PlexiError } from '../../base/errors.ts'
import type { SnapshotFilter } from '../requests.ts'
import type { Session } from '../session.ts'
import { findSnapshot, listSnapshots } from '../snapshot/find.ts'
import { nameText } from '../sources/excludes.ts'
import { isNode, lookup } from '../tree/lookup.ts'
import type { NodeList, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { archive } from '../archive/archive.ts'
import { readContent, type ByteRange } from './content.ts'
import { TreeDiff, type Change } from './diff.ts'
import { entryOf, pathText, type Entry, type Names, type PathText } from './entry.ts'
import { EntryWalk, type WalkOptions } from './entry-walk.ts'

export interface Found extends Entry {
  readonly snapshot: string
}

/** Which snapshots are looked through. */
export interface FindWhere extends SnapshotFilter {
  /** Reference of the only one. */
  readonly snapshot?: string
  /** Only what comes behind that entry. */
  readonly after?: { readonly snapshot: string; readonly names: Names }
}

/** A snapshot, and what of it: everything, a directory, or one entry. */
export interface Place {
  /** Snapshot reference. */
  readonly snapshot: string
  readonly path: string
}

export interface Sides {
  readonly from: Place
  readonly to: Place
  /** Only what comes behind that path. */
  readonly after?: Names
}

/** Its path: from what is compared; of one entry its name. */
export interface Difference extends PathText {
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

  /** `after`: only what comes behind that path. */
  async *list(ref: string, path: string, what: { recursive: boolean; after?: Names }): AsyncGenerator<Entry> {
    const named = findSnapshot(this.#session.parts, ref)
    const { at, names } = await lookup(this.#tree, named, path)
    const list = isNode(at) ? at.list : at
    const after = what.after?.slice(names.length)
    if (list !== undefined) yield* this.#walk(what).entries(list, names, after)
    else if (isNode(at) && after === undefined) yield entryOf(at, names)
  }

  async *find(pattern: string, { snapshot: only, after, ...filter }: FindWhere): AsyncGenerator<Found> {
    const { parts } = this.#session
    const all = only === undefined ? listSnapshots(parts, filter) : [findSnapshot(parts, only, filter)]
    const from = after === undefined ? 0 : all.findIndex(({ snapshot }) => snapshot.id === after.snapshot)
    if (from < 0)
      throw new PlexiError('VALIDATION_USAGE', { reason: 'the list has changed: read it again from its start' })
    const walk = this.#walk({ recursive: true, wanted: matcherOf(pattern), remember: true })
    for (const [i, { snapshot }] of all.slice(from).entries())
      for await (const entry of walk.entries(snapshot.tree, [], i === 0 ? after?.names : undefined))
        yield { ...entry, snapshot: snapshot.id }
  }

  /** Two directories, or two other entries. Throws `VALIDATION_USAGE` for one of each. */
  async *diff({ from, to, after }: Sides): AsyncGenerator<Difference> {
    const [before, now] = [await this.#compared(from), await this.#compared(to)]
    if ((before.list === undefined) !== (now.list === undefined))
      throw new PlexiError('VALIDATION_USAGE', { reason: 'a directory is compared with what is none' })
    const diff = new TreeDiff(this.#tree, this.#signal)
    const changes =
      before.list === undefined
        ? diff.nodes({ before: before.node, after: now.node }, [], after?.slice(1))
        : diff.lists({ before: before.list, after: now.list }, [], after)
    for await (const { names, change, ...nodes } of changes) {
      const sides = { before: sideOf(nodes.before, before, names), after: sideOf(nodes.after, now, names) }
      yield { ...pathText(names), change, ...sides }
    }
  }

  /** Content of one file, or of a part of it that lies inside. */
  async *cat({ snapshot, path, range }: Place & { readonly range?: ByteRange }): AsyncGenerator<Uint8Array> {
    const named = findSnapshot(this.#session.parts, snapshot)
    const { at: node } = await lookup(this.#tree, named, path)
    if (!isNode(node) || node.content === undefined)
      throw new PlexiError('STORAGE_PATH_NOT_FOUND', { path, snapshot: named.snapshot.id, reason: 'not a file' })
    yield* readContent(node, this.#reading, range)
  }

  /** A tar stream of everything at and below a path. */
  async *archive({ snapshot, path }: Place): AsyncGenerator<Uint8Array> {
    const { at } = await lookup(this.#tree, findSnapshot(this.#session.parts, snapshot), path)
    const reading = this.#reading
    yield* archive(at, { ...reading, content: (node) => readContent(node, reading) })
  }

  get #reading() {
    return { tree: this.#tree, chunks: this.#session.chunks, signal: this.#signal }
  }

  #walk(options: WalkOptions): EntryWalk {
    return new EntryWalk(this.#tree, this.#signal, options)
  }

  async #compared({ snapshot, path }: Place): Promise<Compared> {
    const { at, names } = await lookup(this.#tree, findSnapshot(this.#session.parts, snapshot), path)
    if (!isNode(at)) return { names: [], list: at }
    return { names, list: at.list, node: at }
  }
}

interface Compared {
  readonly names: Names
  readonly list: NodeList | undefined
  readonly node?: TreeNode
}

function sideOf(node: TreeNode | undefined, { names, list }: Compared, below: Names): Entry | null {
  if (node === undefined) return null
  return entryOf(node, list === undefined ? names : [...names, ...below])
}

/** A pattern with a slash is for whole paths, one without for names. */
function matcherOf(pattern: string): (names: Names) => boolean {
  if (!pattern.includes('/')) return (names) => matchesGlob(nameText(names.at(-1) as Uint8Array), pattern)
  const whole = pattern.replace(/^\//, '')
  return (names) => matchesGlob(names.map(nameText).join('/'), whole)
}

/**
 * Walking directories for entries, from the start or from behind one that was told before. What was found at and below a
 * directory is remembered: where it lies in another snapshot, at the same place and described by the same lists, it is not
 * read again. Invariant: what is remembered is bounded.
 */
import { compare, utf8, view } from '../../base/bytes.ts'
import { sha256 } from '../../crypto/hash.ts'
import { malformed } from '../codec/fields.ts'
import { limits } from '../options.ts'
import type { NodeList } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import { entryOf, pathText, type Entry, type Names } from './entry.ts'

/** Directories and entries that are remembered, some 300 bytes each. */
const REMEMBERED = 50_000

export interface WalkOptions {
  readonly recursive: boolean
  /** Which entries are told; without it all of them. */
  readonly wanted?: (names: Names) => boolean
  /** For several trees; one alone meets no directory twice. */
  readonly remember?: boolean
}

export class EntryWalk {
  readonly #tree: TreeReader
  readonly #signal: AbortSignal
  readonly #options: WalkOptions
  readonly #known = new Map<string, readonly Entry[]>()
  #room = REMEMBERED

  constructor(tree: TreeReader, signal: AbortSignal, options: WalkOptions) {
    this.#tree = tree
    this.#signal = signal
    this.#options = options
  }

  /** Entries of the directory `below`, each before what is in it. `after`: those behind that path, from here. */
  async *entries(list: NodeList, below: Names, after?: Names): AsyncGenerator<Entry> {
    if (below.length > limits.pathDepth) throw malformed('tree', 'too deep')
    if (after !== undefined || this.#options.remember !== true) {
      yield* this.#read(list, below, after ?? [])
      return
    }
    const key = keyOf(list, below)
    const known = this.#known.get(key)
    if (known !== undefined) {
      yield* known
      return
    }
    const found: Entry[] = []
    for await (const entry of this.#read(list, below, [])) {
      if (found.length < this.#room) found.push(entry)
      yield entry
    }
    this.#remember(key, found)
  }

  async *#read(list: NodeList, below: Names, [next, ...rest]: Names): AsyncGenerator<Entry> {
    const { recursive, wanted } = this.#options
    for await (const node of this.#tree.nodes(list)) {
      this.#signal.throwIfAborted()
      const order = next === undefined ? 1 : compare(node.name, next)
      if (order < 0) continue
      const names = [...below, node.name]
      const isNew = order > 0
      if (isNew && wanted?.(names) !== false) yield entryOf(node, names)
      if (recursive && node.list !== undefined) yield* this.entries(node.list, names, isNew ? undefined : rest)
    }
  }

  /** Unless there was more than there is room for. */
  #remember(key: string, found: readonly Entry[]): void {
    if (found.length >= this.#room) return
    this.#room -= 1 + found.length
    this.#known.set(key, found)
  }
}

function keyOf({ depth, chunks }: NodeList, below: Names): string {
  const { path, rawPath } = pathText(below)
  const head = utf8(`${String(depth)} ${String(chunks.length)} ${rawPath ?? ''} ${path}`)
  return view(sha256(...chunks, head)).toString('latin1')
}

/**
 * What differs between two trees, walked side by side in the order of their names. Directories described by the same
 * stored lists are the same and are not read; files are compared by what they are stored as, never by reading them.
 * Invariant: memory is bounded by the depth and one list of nodes per side and level.
 */
import { compare, equal } from '../../base/bytes.ts'
import { malformed } from '../codec/fields.ts'
import { limits } from '../options.ts'
import type { Content, NodeList, TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'
import type { Names } from './entry.ts'

/** `type`: something else of that name. `modified`: other content. `metadata`: mode, owner, time or attributes alone. */
export type Change = 'added' | 'removed' | 'type' | 'modified' | 'metadata'

export interface NodeChange {
  /** From the directories that are compared. */
  readonly names: Names
  readonly change: Change
  readonly before: TreeNode | undefined
  readonly after: TreeNode | undefined
}

interface Pair<T> {
  readonly before: T | undefined
  readonly after: T | undefined
}

export class TreeDiff {
  readonly #tree: TreeReader
  readonly #signal: AbortSignal

  constructor(tree: TreeReader, signal: AbortSignal) {
    this.#tree = tree
    this.#signal = signal
  }

  /**
   * What differs in and below two directories; with one side undefined everything is new or gone. `from`: only what comes
   * behind that path, from here.
   */
  async *lists(sides: Pair<NodeList>, below: Names = [], [next, ...rest]: Names = []): AsyncGenerator<NodeChange> {
    if (sameList(sides.before, sides.after)) return
    if (below.length > limits.pathDepth) throw malformed('tree', 'too deep')
    for await (const pair of pairs(this.#nodes(sides.before), this.#nodes(sides.after))) {
      this.#signal.throwIfAborted()
      const order = next === undefined ? 1 : compare(nameOf(pair), next)
      if (order >= 0) yield* this.nodes(pair, below, order > 0 ? undefined : rest)
    }
  }

  /** Two entries of the directory `below`, of the same name; one of them may be missing. `from`: they were told before. */
  async *nodes(pair: Pair<TreeNode>, below: Names = [], from?: Names): AsyncGenerator<NodeChange> {
    const { before, after } = pair
    const names = [...below, nameOf(pair)]
    const change = from === undefined ? changeOf(before, after) : undefined
    if (change !== undefined) yield { names, change, before, after }
    yield* this.lists({ before: before?.list, after: after?.list }, names, from)
  }

  async *#nodes(list: NodeList | undefined): AsyncGenerator<TreeNode> {
    if (list !== undefined) yield* this.#tree.nodes(list)
  }
}

function nameOf({ before, after }: Pair<TreeNode>): Uint8Array {
  return (after ?? before)?.name ?? new Uint8Array(0)
}

/** Brings together what has the same name: both sides are in ascending order. */
async function* pairs(left: AsyncGenerator<TreeNode>, right: AsyncGenerator<TreeNode>): AsyncGenerator<Pair<TreeNode>> {
  try {
    let [before, after] = [await next(left), await next(right)]
    while (before !== undefined || after !== undefined) {
      const order = before === undefined ? 1 : after === undefined ? -1 : compare(before.name, after.name)
      yield { before: order <= 0 ? before : undefined, after: order >= 0 ? after : undefined }
      if (order <= 0) before = await next(left)
      if (order >= 0) after = await next(right)
    }
  } finally {
    await left.return(undefined)
    await right.return(undefined)
  }
}

async function next(nodes: AsyncGenerator<TreeNode>): Promise<TreeNode | undefined> {
  const step = await nodes.next()
  return step.done === true ? undefined : step.value
}

function changeOf(before: TreeNode | undefined, after: TreeNode | undefined): Change | undefined {
  if (before === undefined) return after === undefined ? undefined : 'added'
  if (after === undefined) return 'removed'
  if (before.type !== after.type) return 'type'
  if (!sameContent(before, after)) return 'modified'
  return sameMetadata(before, after) ? undefined : 'metadata'
}

function sameContent(a: TreeNode, b: TreeNode): boolean {
  const sameDevice = a.device?.join() === b.device?.join()
  return a.size === b.size && sameDevice && sameBytes(a.target, b.target) && sameExtents(a.content, b.content)
}

function sameExtents(a: Content | undefined, b: Content | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.depth !== b.depth || a.extents.length !== b.extents.length) return false
  return a.extents.every((extent, i) => {
    const other = b.extents[i]
    if (other?.from !== extent.from || other.length !== extent.length) return false
    return sameBytes(extent.chunk, other.chunk)
  })
}

function sameMetadata(a: TreeNode, b: TreeNode): boolean {
  const plain = (['mode', 'uid', 'gid', 'user', 'group', 'mtimeNs'] as const).every((key) => a[key] === b[key])
  const [x, y] = [a.xattrs ?? [], b.xattrs ?? []]
  return plain && x.length === y.length && x.every((pair, i) => pair.every((part, at) => sameBytes(part, y[i]?.[at])))
}

function sameList(a: NodeList | undefined, b: NodeList | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.depth !== b.depth || a.chunks.length !== b.chunks.length) return false
  return a.chunks.every((chunk, i) => sameBytes(chunk, b.chunks[i]))
}

function sameBytes(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  return a === b || (a instanceof Uint8Array && b instanceof Uint8Array && equal(a, b))
}

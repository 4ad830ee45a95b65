/**
 * What of a snapshot comes back, and where below the target. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariants: paths are made of single components only; depth is bounded; a directory comes before what is in it.
 */
import { malformed } from '../codec/fields.ts'
import { limits } from '../options.ts'
import { join } from '../sources/walk.ts'
import { isNode, splitPath } from '../tree/lookup.ts'
import { checkName, type NodeList, type TreeNode } from '../tree/node.ts'
import type { TreeReader } from '../tree/tree-reader.ts'

export interface Selected {
  /** Relative to the target, raw bytes. */
  readonly path: Buffer
  readonly node: TreeNode
  /** Directories above it that are no part of the snapshot: with full paths. */
  readonly above: readonly Buffer[]
  /** Set to false to leave out what is in a directory. */
  descend: boolean
}

/** Metadata that could not be read; what lies below is left out. */
export interface Broken {
  readonly path: Buffer
  readonly error: unknown
}

interface Selection {
  readonly tree: TreeReader
  readonly fullPaths: boolean
}

const NOTHING = Buffer.alloc(0)
/** Directories whose nodes are in memory at a time. What lies further out is read again when it is its turn. */
const AT_HAND = 8

/** Everything at and below `found`, depth first. */
export async function* selected(found: TreeNode | NodeList, from: Selection): AsyncGenerator<Selected | Broken> {
  if (isNode(found)) {
    yield* top(found, from)
    return
  }
  try {
    for await (const node of from.tree.nodes(found)) yield* top(node, from)
  } catch (error) {
    yield { path: NOTHING, error }
  }
}

/** A node right below the target: under its name, or under the absolute path it came from. */
async function* top(node: TreeNode, from: Selection): AsyncGenerator<Selected | Broken> {
  let parents: Uint8Array[] = []
  let name = node.name
  try {
    if (from.fullPaths && node.origin !== undefined) {
      parents = splitPath(node.origin).map(checkName)
      name = parents.pop() ?? name
    }
  } catch (error) {
    yield { path: Buffer.from(node.name), error }
    return
  }
  const above: Buffer[] = []
  for (const parent of parents) above.push(inside(above.at(-1) ?? NOTHING, parent))
  yield* below({ path: inside(above.at(-1) ?? NOTHING, name), node, above, descend: true }, from)
}

/** A directory that is being walked. */
interface Level {
  readonly path: Buffer
  readonly list: NodeList
  /** Undefined: to be read again, from behind `last`. */
  nodes: AsyncGenerator<TreeNode> | undefined
  last: Uint8Array | undefined
}

/** Not by recursion: memory is that of `AT_HAND` directories, however deep the tree is and however large they are. */
async function* below(entry: Selected, { tree }: Selection): AsyncGenerator<Selected | Broken> {
  yield entry
  const levels = entry.descend ? [...levelOf(entry)] : []
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    let node: TreeNode | undefined
    try {
      node = await nextOf(tree, level)
    } catch (error) {
      yield { path: level.path, error }
    }
    if (node === undefined) {
      levels.pop()
      continue
    }
    const inner: Selected = { path: inside(level.path, node.name), node, above: [], descend: true }
    yield inner
    if (!inner.descend) continue
    if (levels.length >= limits.pathDepth || inner.path.length > limits.pathBytes)
      yield { path: inner.path, error: malformed('tree', 'too deep') }
    else levels.push(...levelOf(inner))
    const far = levels.at(-1 - AT_HAND)
    if (far !== undefined) far.nodes = undefined
  }
}

function levelOf({ path, node }: Selected): Level[] {
  return node.list === undefined ? [] : [{ path, list: node.list, nodes: undefined, last: undefined }]
}

async function nextOf(tree: TreeReader, level: Level): Promise<TreeNode | undefined> {
  level.nodes ??= tree.nodes(level.list, level.last)
  const next = await level.nodes.next()
  if (next.done === true) return undefined
  level.last = next.value.name
  return next.value
}

function inside(directory: Buffer, name: Uint8Array): Buffer {
  return directory.length === 0 ? Buffer.from(name) : join(directory, name)
}

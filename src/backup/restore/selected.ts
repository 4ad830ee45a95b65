/**
 * What of a snapshot comes back, and where below the target. Spec: docs/spec/04-snapshot-and-head.md § Restoring.
 * Invariants: paths are made of single components only; depth is bounded; a directory comes before what is in it.
 */
import { utf8 } from '../../base/bytes.ts'
import { malformed } from '../codec/fields.ts'
import { limits } from '../options.ts'
import { join } from '../sources/walk.ts'
import { isNode } from '../tree/lookup.ts'
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
      parents = splitOrigin(node.origin)
      name = parents.pop() ?? name
    }
  } catch (error) {
    yield { path: Buffer.from(node.name), error }
    return
  }
  const above: Buffer[] = []
  for (const parent of parents) above.push(inside(above.at(-1) ?? NOTHING, parent))
  yield* below({ path: inside(above.at(-1) ?? NOTHING, name), node, above, descend: true }, from, 0)
}

async function* below(entry: Selected, from: Selection, depth: number): AsyncGenerator<Selected | Broken> {
  yield entry
  const { list } = entry.node
  if (list === undefined || !entry.descend) return
  try {
    if (depth >= limits.pathDepth) throw malformed('tree', 'too deep')
    for await (const node of from.tree.nodes(list))
      yield* below({ path: inside(entry.path, node.name), node, above: [], descend: true }, from, depth + 1)
  } catch (error) {
    yield { path: entry.path, error }
  }
}

function inside(directory: Buffer, name: Uint8Array): Buffer {
  return directory.length === 0 ? Buffer.from(name) : join(directory, name)
}

/** The components of an absolute path from a snapshot, each checked like a name. */
function splitOrigin(origin: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = []
  let start = 0
  for (let at = 0; at <= origin.length; at++) {
    if (at < origin.length && origin[at] !== SLASH) continue
    if (at > start) names.push(checkName(origin.subarray(start, at)))
    start = at + 1
  }
  return names
}

const SLASH = utf8('/')[0]

/** Finding a node by its path: names from the top of the snapshot, or the absolute path it was backed up from. */
import { equal, utf8 } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { NamedSnapshot } from '../snapshot/find.ts'
import { limits } from '../options.ts'
import { nameText } from '../sources/excludes.ts'
import type { NodeList, TreeNode } from './node.ts'
import type { TreeReader } from './tree-reader.ts'

/** The node, or the top list for an empty path. Throws `STORAGE_PATH_NOT_FOUND`. */
export async function lookup(
  tree: TreeReader,
  { snapshot }: NamedSnapshot,
  path: string,
): Promise<TreeNode | NodeList> {
  const missing = new PlexiError('STORAGE_PATH_NOT_FOUND', { path, snapshot: snapshot.id })
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.length === 0) return snapshot.tree
  if (names.length > limits.pathDepth || names.includes('..')) throw missing
  if (path.startsWith('/')) {
    const found = await byOrigin(tree, snapshot.tree, names)
    if (found !== undefined) return found
  }
  const node = await descend(tree, snapshot.tree, names)
  if (node === undefined) throw missing
  return node
}

export function isNode(found: TreeNode | NodeList): found is TreeNode {
  return 'name' in found
}

async function descend(tree: TreeReader, list: NodeList, names: readonly string[]): Promise<TreeNode | undefined> {
  let node: TreeNode | undefined
  let inside: NodeList | undefined = list
  for (const name of names) {
    if (inside === undefined) return undefined
    node = await child(tree, inside, name)
    inside = node?.list
    if (node === undefined) return undefined
  }
  return node
}

async function byOrigin(tree: TreeReader, top: NodeList, names: readonly string[]): Promise<TreeNode | undefined> {
  for await (const node of tree.nodes(top)) {
    if (node.origin === undefined) continue
    const origin = nameText(node.origin)
      .split('/')
      .filter((name) => name !== '')
    if (!origin.every((name, i) => names[i] === name)) continue
    const rest = names.slice(origin.length)
    const found = rest.length === 0 ? node : node.list && (await descend(tree, node.list, rest))
    if (found !== undefined) return found
  }
  return undefined
}

async function child(tree: TreeReader, list: NodeList, name: string): Promise<TreeNode | undefined> {
  const wanted = [utf8(name), Buffer.from(name, 'latin1')]
  for await (const node of tree.nodes(list)) if (wanted.some((bytes) => equal(node.name, bytes))) return node
  return undefined
}

/** Finding a node by its path: names from the top of the snapshot, or the absolute path it was backed up from. */
import { equal, utf8, view } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { NamedSnapshot } from '../snapshot/find.ts'
import { limits } from '../options.ts'
import { nameText } from '../sources/excludes.ts'
import type { NodeList, TreeNode } from './node.ts'
import type { TreeReader } from './tree-reader.ts'

export interface Found {
  /** The list of the top for an empty path. */
  readonly at: TreeNode | NodeList
  /** The names on the way, as the path has them, byte by byte. */
  readonly names: readonly Uint8Array[]
}

type FoundNode = Found & { readonly at: TreeNode }

/** Throws `STORAGE_PATH_NOT_FOUND`. */
export async function lookup(tree: TreeReader, { snapshot }: NamedSnapshot, path: string): Promise<Found> {
  const missing = new PlexiError('STORAGE_PATH_NOT_FOUND', { path, snapshot: snapshot.id })
  const names = namesOf(path)
  if (names.length === 0) return { at: snapshot.tree, names: [] }
  if (names.length > limits.pathDepth || names.includes('..')) throw missing
  if (path.startsWith('/')) {
    const found = await byOrigin(tree, snapshot.tree, names)
    if (found !== undefined) return found
  }
  const found = await descend(tree, snapshot.tree, names)
  if (found === undefined) throw missing
  return found
}

export function isNode(at: TreeNode | NodeList): at is TreeNode {
  return 'name' in at
}

async function descend(tree: TreeReader, list: NodeList, names: readonly string[]): Promise<FoundNode | undefined> {
  const nodes: TreeNode[] = []
  let inside: NodeList | undefined = list
  for (const name of names) {
    const node: TreeNode | undefined = inside && (await child(tree, inside, name))
    if (node === undefined) return undefined
    nodes.push(node)
    inside = node.list
  }
  const at = nodes.at(-1)
  return at && { at, names: nodes.map(({ name }) => name) }
}

async function byOrigin(tree: TreeReader, top: NodeList, names: readonly string[]): Promise<FoundNode | undefined> {
  for await (const node of tree.nodes(top)) {
    if (node.origin === undefined) continue
    const origin = splitPath(node.origin)
    if (!origin.every((name, i) => names[i] === nameText(name))) continue
    const rest = names.slice(origin.length)
    if (rest.length === 0) return { at: node, names: origin }
    const found = node.list && (await descend(tree, node.list, rest))
    if (found !== undefined) return { at: found.at, names: [...origin, ...found.names] }
  }
  return undefined
}

async function child(tree: TreeReader, list: NodeList, name: string): Promise<TreeNode | undefined> {
  const wanted = [utf8(name), Buffer.from(name, 'latin1')]
  for await (const node of tree.nodes(list)) if (wanted.some((bytes) => equal(node.name, bytes))) return node
  return undefined
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** The names a path is made of. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  const names = view(path).toString('latin1').split('/')
  return names.filter((name) => name !== '').map((name) => Buffer.from(name, 'latin1'))
}

/**
 * What a directory entry is, and its canonical form. Spec: docs/spec/04-snapshot-and-head.md § Tree.
 * Invariants: names are single path components; a node list is strictly ascending by name bytes; no extent is empty.
 */
import { compare } from '../../base/bytes.ts'
import type { Plain } from '../../crypto/codec.ts'
import { chunkId, type ChunkId } from '../../shard/index.ts'
import { asBytes, asList, asTuple, asUint, Fields, malformed } from '../codec/fields.ts'
import { decodeObject, encodeObject } from '../codec/object.ts'
import { limits } from '../options.ts'

/** `length` bytes at `from` of a chunk; without a chunk, that many zeros. */
export interface Extent {
  readonly chunk: ChunkId | null
  readonly from: number
  readonly length: number
}

/** File content. At depth 0 the extents are the content; at depth d each names a `PXex` list of depth d − 1. */
export interface Content {
  readonly depth: number
  readonly extents: readonly Extent[]
}

/** Children of a directory. At depth 0 each chunk is a `PXtn` node list, in order; at depth d a `PXtl` list of depth d − 1. */
export interface NodeList {
  readonly depth: number
  readonly chunks: readonly ChunkId[]
}

export type NodeType = 'file' | 'dir' | 'link' | 'fifo' | 'socket' | 'char' | 'block'

export interface TreeNode {
  /** Raw bytes as the file system gave them: one path component. */
  readonly name: Uint8Array
  readonly type: NodeType
  /** 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly user?: string
  readonly group?: string
  /** Files. */
  readonly size?: number
  readonly content?: Content
  /** Directories. */
  readonly list?: NodeList
  /** Symbolic links. */
  readonly target?: Uint8Array
  /** Equal numbers within a snapshot: one inode. */
  readonly hardLink?: number
  /** Device files: major, minor. */
  readonly device?: readonly [number, number]
  readonly xattrs?: readonly (readonly [Uint8Array, Uint8Array])[]
  /** Only on the top nodes of a snapshot: the absolute path that was backed up. */
  readonly origin?: Uint8Array
}

const types: ReadonlySet<string> = new Set(['file', 'dir', 'link', 'fifo', 'socket', 'char', 'block'])

export function nodePlain(node: TreeNode): Plain {
  const plain: Record<string, Plain> = {
    name: node.name,
    type: node.type,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    mtime: node.mtimeNs,
  }
  if (node.user !== undefined) plain['user'] = node.user
  if (node.group !== undefined) plain['group'] = node.group
  if (node.size !== undefined) plain['size'] = node.size
  if (node.content !== undefined) {
    plain['extents'] = node.content.extents.map(extentPlain)
    plain['depth'] = node.content.depth
  }
  if (node.list !== undefined) {
    plain['list'] = node.list.chunks
    plain['depth'] = node.list.depth
  }
  if (node.target !== undefined) plain['target'] = node.target
  if (node.hardLink !== undefined) plain['hardLink'] = node.hardLink
  if (node.device !== undefined) plain['device'] = node.device
  if (node.xattrs !== undefined) plain['xattrs'] = node.xattrs
  if (node.origin !== undefined) plain['origin'] = node.origin
  return plain
}

export function readNode(value: Plain): TreeNode {
  const f = new Fields(value, 'tree node')
  const name = checkName(f.bytes('name', { max: limits.nameBytes }))
  const type = f.text('type', 8)
  if (!types.has(type)) throw malformed('tree node', `type ${type}`)
  const node: TreeNode = {
    name,
    type: type as NodeType,
    mode: f.uint('mode', 0o7777),
    uid: f.uint('uid', 0xffffffff),
    gid: f.uint('gid', 0xffffffff),
    mtimeNs: f.int64('mtime'),
    ...(f.has('user') ? { user: f.text('user', 256) } : {}),
    ...(f.has('group') ? { group: f.text('group', 256) } : {}),
    ...(type === 'file' ? { size: f.uint('size'), content: readContent(f) } : {}),
    ...(type === 'dir' ? { list: readNodeList(f) } : {}),
    ...(type === 'link' ? { target: f.bytes('target', { max: limits.linkBytes }) } : {}),
    ...(f.has('hardLink') ? { hardLink: f.uint('hardLink') } : {}),
    ...(type === 'char' || type === 'block' ? { device: readDevice(f) } : {}),
    ...(f.has('xattrs') ? { xattrs: readXattrs(f) } : {}),
    ...(f.has('origin') ? { origin: f.bytes('origin', { max: limits.linkBytes }) } : {}),
  }
  f.end()
  return node
}

export function encodeNodes(nodes: readonly TreeNode[]): Uint8Array {
  return encodeObject('PXtn', nodes.map(nodePlain))
}

/** Throws `VALIDATION_DECODE` for anything but a canonical, strictly ascending list of well-formed nodes. */
export function decodeNodes(bytes: Uint8Array): TreeNode[] {
  const plain = asList(decodeObject('PXtn', bytes, limits.objectBytes), 'node list', limits.listItems)
  const nodes = plain.map(readNode)
  nodes.forEach((node, i) => {
    const before = nodes[i - 1]
    if (before !== undefined && compare(before.name, node.name) >= 0) throw malformed('node list', 'not in order')
  })
  return nodes
}

export function extentPlain(extent: Extent): Plain {
  return [extent.chunk, extent.from, extent.length]
}

export function readExtent(value: Plain): Extent {
  const [chunk, from, length] = asTuple(value, 'extent', 3)
  const id = chunk === null ? null : chunkId(asBytes(chunk, 'extent', { length: 32 }))
  if (length === 0) throw malformed('extent', 'empty')
  return { chunk: id, from: asUint(from, 'extent'), length: asUint(length, 'extent') }
}

export function readNodeList(f: Fields): NodeList {
  const chunks = f.list('list', limits.listItems).map((id) => chunkId(asBytes(id, 'list', { length: 32 })))
  return { depth: f.uint('depth', limits.listDepth), chunks }
}

/** One path component: not empty, no separator or NUL, neither `.` nor `..`. */
export function checkName(name: Uint8Array): Uint8Array {
  const dots = name.every((byte) => byte === 0x2e) && name.length <= 2
  if (dots || name.includes(0) || name.includes(0x2f)) throw malformed('tree node', 'unsafe name')
  return name
}

function readContent(f: Fields): Content {
  const extents = f.list('extents', limits.listItems).map(readExtent)
  return { depth: f.uint('depth', limits.listDepth), extents }
}

function readDevice(f: Fields): readonly [number, number] {
  const [major, minor] = asTuple(f.plain('device'), 'device', 2)
  return [asUint(major, 'device', 0xffffffff), asUint(minor, 'device', 0xffffffff)]
}

function readXattrs(f: Fields): readonly (readonly [Uint8Array, Uint8Array])[] {
  return f.list('xattrs', limits.xattrs).map((pair) => {
    const [name, value] = asTuple(pair, 'xattr', 2)
    return [asBytes(name, 'xattr', { max: 255 }), asBytes(value, 'xattr', { max: 65_536 })] as const
  })
}

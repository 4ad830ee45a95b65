/** Entries of snapshots, as they are listed. */
import { isUtf8 } from 'node:buffer'
import { toHex, view } from '../../base/bytes.ts'
import { nameText } from '../sources/excludes.ts'
import type { NodeType, TreeNode } from '../tree/node.ts'

/** A path, name by name and byte by byte. */
export type Names = readonly Uint8Array[]

/** A path as people and programs are told it. */
export interface PathText {
  /** Joined by `/`; names that are not UTF-8 byte by byte. */
  readonly path: string
  /** Hex of the bytes, where `path` does not tell them. */
  readonly rawPath: string | null
}

export interface Entry extends PathText {
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

/** `names`: from the top of the snapshot. */
export function entryOf(node: TreeNode, names: Names): Entry {
  const { type, mode, uid, gid, mtimeNs, size = 0, user = null, group = null } = node
  const target = node.target === undefined ? null : nameText(node.target)
  return { ...pathText(names), type, size, mode, uid, gid, user, group, mtimeNs, target }
}

export function pathText(names: Names): PathText {
  const path = names.map(nameText).join('/')
  if (names.every((name) => isUtf8(name))) return { path, rawPath: null }
  const bytes = Buffer.from(names.map((name) => view(name).toString('latin1')).join('/'), 'latin1')
  return { path, rawPath: toHex(bytes) }
}

/** What a thread is told when trees are checked: one node list; and what comes back: the chunks that it needs, packed. */
import type { Names } from '../kernel/names.ts'
import type { Content, NodeList } from '../tree/node.ts'

export interface UsesJob {
  /** Plaintext of a `PXtn`. */
  readonly nodes: Uint8Array
}

/** Nodes are meant by their number in the list. */
export interface Uses extends Names {
  /** Chunks of content, 32 bytes each, and the node each belongs to. */
  readonly ids: Uint8Array
  readonly owners: Uint32Array
  readonly directories: readonly { readonly node: number; readonly list: NodeList }[]
  /** Content with lists of its own. */
  readonly long: readonly { readonly node: number; readonly size: number; readonly content: Content }[]
}

/** `malformed`: why it is no node list, for people. */
export type UsesResult = Uses | { readonly malformed: string }

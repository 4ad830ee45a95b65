/** What reading one file gave. */
import type { Content, Extent } from '../tree/node.ts'

/** A file's content, or why it could not be read. */
export type Written = WrittenContent | { readonly error: string }

export interface WrittenContent {
  readonly content: Content
  readonly size: number
  /** It was written to while it was read. */
  readonly changed: boolean
  /** All of them, where the file may be remembered by them. */
  readonly extents?: readonly Extent[]
  /** It was not read, but remembered. */
  readonly known?: true
}

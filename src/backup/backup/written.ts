/** What reading one file gave. */
import type { FoundXattrs } from '../kernel/jobs.ts'
import type { Content } from '../tree/node.ts'

/** A file's content, or why it could not be read. */
export type Written = WrittenContent | { readonly error: string }

export interface WrittenContent {
  readonly content: Content
  readonly size: number
  /** It was written to while it was read. */
  readonly changed: boolean
  /** What may be remembered of it: the same content, all extents in one where they are not many. */
  readonly remembered?: Content
  /** Extended attributes, if they were read with it. */
  readonly xattrs?: FoundXattrs
  /** It was not read, but remembered. */
  readonly known?: true
}

/** What reading one file gave. */
import type { Content } from '../tree/node.ts'

/** A file's content, or why it could not be read. `changed`: it was written to while it was read. */
export type Written =
  { readonly content: Content; readonly size: number; readonly changed: boolean } | { readonly error: string }

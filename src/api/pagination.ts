/**
 * Lists in pages. The cursor is the key of the last item that was sent, so what is added or removed elsewhere in the
 * list neither repeats nor hides an item; if that very item is gone, the list must be read anew.
 */
import { PlexiError } from '../base/errors.ts'
import { fromBase64Url, toBase64Url, utf8, view } from '../base/bytes.ts'
import type { Listing } from './services.ts'

export interface PageOf<T> {
  readonly items: T[]
  /** Cursor of the next page; null at the end. */
  readonly next: string | null
}

/** Goes on behind the item of that key. For long lists: others are read from their start for every page. */
export type ResumableListing<T> = (after: string | undefined) => Listing<T>

/** `key` must differ between any two items. Throws `VALIDATION_USAGE` for a cursor whose item is gone. */
export async function cutPage<T>(
  listing: Listing<T> | ResumableListing<T>,
  key: (item: T) => string,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<PageOf<T>> {
  const after = page.cursor === undefined ? undefined : view(fromBase64Url(page.cursor)).toString('utf8')
  const items: T[] = []
  const resumes = typeof listing === 'function'
  let found = resumes || after === undefined
  for await (const item of resumes ? listing(after) : listing) {
    if (!found) {
      found = key(item) === after
      continue
    }
    if (items.length === page.limit) return { items, next: cursorOf(key(items.at(-1) as T)) }
    items.push(item)
  }
  if (!found) throw new PlexiError('VALIDATION_USAGE', { reason: 'the list has changed: read it again from its start' })
  return { items, next: null }
}

function cursorOf(key: string): string {
  return toBase64Url(utf8(key))
}

/** Exclude patterns with the semantics of .gitignore, relative to each backed-up path. */
import ignore from 'ignore'
import { view } from '../../base/bytes.ts'
import { isUtf8 } from 'node:buffer'

export interface Excludes {
  /** `path`: names below the backed-up path, outermost first. */
  excluded(path: readonly Uint8Array[], isDirectory: boolean): boolean
}

export function excludesOf(patterns: readonly string[]): Excludes {
  if (patterns.length === 0) return { excluded: () => false }
  const rules = ignore().add(patterns)
  return {
    excluded: (path, isDirectory) => rules.ignores(path.map(nameText).join('/') + (isDirectory ? '/' : '')),
  }
}

/** A name as text for matching and messages; names that are not UTF-8 byte by byte. */
export function nameText(name: Uint8Array): string {
  return view(name).toString(isUtf8(name) ? 'utf8' : 'latin1')
}

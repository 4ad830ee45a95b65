/** Paths as keys of long lists, whatever bytes their names are of. */
import { fromHex, view } from '../base/bytes.ts'
import type { Names } from './services.ts'

/** The bytes of a path, each as a character: no two paths have the same, and names are found in it. */
export function pathKey({ path, rawPath }: { readonly path: string; readonly rawPath?: string | undefined }): string {
  return (rawPath === undefined ? Buffer.from(path) : view(fromHex(rawPath))).toString('latin1')
}

/** Where a list goes on. */
export function behind(key: string | undefined): { readonly after?: Names } {
  return key === undefined ? {} : { after: namesOf(key) }
}

/** Likewise for entries of many snapshots, whose keys begin with the snapshot's id and a colon. */
export function behindFound(key: string | undefined): { readonly after?: { snapshot: string; names: Names } } {
  if (key === undefined) return {}
  const at = key.indexOf(':')
  return { after: { snapshot: key.slice(0, Math.max(0, at)), names: namesOf(key.slice(at + 1)) } }
}

function namesOf(key: string): Names {
  return key.split('/').map((name) => Buffer.from(name, 'latin1'))
}

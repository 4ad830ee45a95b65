/** What a backup request leaves out, as the walk needs it. */
import { utf8 } from '../../base/bytes.ts'
import { PlexiError } from '../../base/errors.ts'
import type { BackupRequest } from '../requests.ts'
import { excludesOf } from './excludes.ts'
import { cacheTag, type Marker } from './markers.ts'
import type { WalkDeps } from './walk.ts'

const MAX_MARKERS = 64

/** Throws `VALIDATION_USAGE`, `VALIDATION_LIMIT`. */
export function leftOut(request: BackupRequest): Pick<WalkDeps, 'excludes' | 'markers' | 'oneFileSystem'> {
  const { exclude = [], excludeIfPresent = [], excludeCaches = false, oneFileSystem = false } = request
  if (excludeIfPresent.length > MAX_MARKERS)
    throw new PlexiError('VALIDATION_LIMIT', { what: 'excludeIfPresent', limit: MAX_MARKERS })
  const markers = [...excludeIfPresent.map(toMarker), ...(excludeCaches ? [cacheTag] : [])]
  return { excludes: excludesOf(exclude), markers, oneFileSystem }
}

/** `NAME` or `NAME:HEADER`. */
function toMarker(text: string): Marker {
  const [, name = '', header] = /^([^:/\0]+)(?::(.*))?$/su.exec(text) ?? []
  if (name === '') throw new PlexiError('VALIDATION_USAGE', { reason: `not a file name: ${text}` })
  return header === undefined || header === '' ? { name: utf8(name) } : { name: utf8(name), header: utf8(header) }
}

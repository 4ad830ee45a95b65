/**
 * What could not be restored. Invariant: memory is bounded: what is more than can be told one by one is counted.
 */
import { toPlexiError, PlexiError } from '../../base/errors.ts'
import type { Failed } from '../requests.ts'
import { nameText } from '../sources/excludes.ts'

/** Of paths and reasons together. */
const MAX_CHARACTERS = 16_000_000
/** What one costs besides. */
const OWN_CHARACTERS = 100

export class Failures {
  readonly #told: Failed[] = []
  #characters = 0
  #more = 0

  add(path: Buffer, error: unknown): void {
    const { code, message } = refusalOf(error) ?? toPlexiError(error)
    const failed = { path: nameText(path), code, reason: message }
    this.#characters += OWN_CHARACTERS + failed.path.length + failed.reason.length
    if (this.#characters > MAX_CHARACTERS) this.#more++
    else this.#told.push(failed)
  }

  list(): Failed[] {
    if (this.#more === 0) return this.#told
    const { code, message } = new PlexiError('STORAGE_RESTORE_PARTIAL', { count: this.#more })
    return [...this.#told, { path: '', code, reason: `besides these, ${message}` }]
  }
}

/** What no file system, or not this one, takes: names, targets and sizes too long, numbers that no device has. */
const refusals: ReadonlySet<unknown> = new Set([
  ...['ENAMETOOLONG', 'EFBIG', 'EINVAL', 'EILSEQ', 'ELOOP', 'EOVERFLOW', 'ENOTSUP', 'EOPNOTSUPP', 'EMSGSIZE'],
  ...['ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE'],
])

/** Undefined for any other error. */
export function refusalOf(error: unknown): PlexiError | undefined {
  if (!refusals.has((error as NodeJS.ErrnoException).code)) return undefined
  const reason = error instanceof Error ? error.message : String(error)
  return new PlexiError('STORAGE_TARGET_REFUSED', { reason }, { cause: error })
}

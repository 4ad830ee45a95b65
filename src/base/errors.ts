/**
 * The one error type. It is matched by code; `error-table.ts` gives each code its HTTP status, exit code and remedy.
 * Expected outcomes are values, not errors.
 */
import { errorTable, type ErrorCode } from './error-table.ts'
import { counted } from './text.ts'

export type { ErrorCode } from './error-table.ts'

/** Values that may appear in an error's details: never secrets, never file contents. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export interface ErrorTexts {
  readonly message?: string
  readonly remedy?: string
}

export class PlexiError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails
  /** What the user can do, as one line with a command where there is one. */
  readonly remedy: string

  /** `message` and `remedy` take the place of the table's, where more is known than the code says. */
  constructor(code: ErrorCode, details: ErrorDetails = {}, options: ErrorTexts & { cause?: unknown } = {}) {
    super(options.message ?? describe(code, details), options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'PlexiError'
    this.code = code
    this.details = details
    this.remedy = options.remedy ?? fill(errorTable[code].remedy, details)
  }

  get exitCode(): number {
    return errorTable[this.code].exit
  }

  get httpStatus(): number {
    return errorTable[this.code].http
  }
}

export function isPlexiError(error: unknown, code?: ErrorCode): error is PlexiError {
  return error instanceof PlexiError && (code === undefined || error.code === code)
}

/** Anything thrown, as a `PlexiError`: aborts become `SYSTEM_INTERRUPTED`, known system errors their own code. */
export function toPlexiError(error: unknown): PlexiError {
  if (error instanceof PlexiError) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new PlexiError('SYSTEM_INTERRUPTED', {}, { cause: error })
  const code = systemErrors[(error as NodeJS.ErrnoException | undefined)?.code ?? '']
  const message = error instanceof Error ? error.message : String(error)
  const { path, syscall } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  const what = typeof path === 'string' ? path : message
  // "EACCES: permission denied, mkdir '/x'" says twice what the code says.
  const reason = code === 'SYSTEM_PERMISSION' && typeof path === 'string' ? `${syscall ?? ''} ${path}`.trim() : message
  const full = code === 'STORAGE_DISK_FULL' && typeof path === 'string'
  const texts = full ? { message: `the disk of ${path} is full` } : {}
  return new PlexiError(code ?? 'SYSTEM_UNEXPECTED', { reason, what }, { ...texts, cause: error })
}

/** For conditions that only a bug can break. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new PlexiError('SYSTEM_UNEXPECTED', { reason: `invariant: ${what}` })
}

const systemErrors: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'STORAGE_DISK_FULL',
  EDQUOT: 'STORAGE_DISK_FULL',
  EIO: 'STORAGE_IO',
  EACCES: 'SYSTEM_PERMISSION',
  EPERM: 'SYSTEM_PERMISSION',
  EROFS: 'SYSTEM_PERMISSION',
  ENOENT: 'STORAGE_NOT_FOUND',
  SQLITE_FULL: 'STORAGE_DISK_FULL',
  SQLITE_IOERR_WRITE: 'STORAGE_IO',
  SQLITE_IOERR_FSYNC: 'STORAGE_IO',
}

function describe(code: ErrorCode, details: ErrorDetails): string {
  return fill(errorTable[code].title, details)
}

/** Replaces `{name}` in a table text by the detail of that name, printed on one line. */
function fill(text: string, details: ErrorDetails): string {
  return text.replace(/\{(\w+)(?: (\w+)\(s\))?\}/g, (_whole, name: string, noun?: string) => {
    const value = details[name]
    if (typeof value === 'number' && noun !== undefined) return counted(value, noun)
    if (value === undefined) return noun === undefined ? name : `${name} ${noun}s`
    return printable(value)
  })
}

function printable(value: unknown): string {
  const text =
    value instanceof Uint8Array
      ? Buffer.from(value).toString('hex')
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
  // Peers and file names reach this text: no control characters, bounded.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 500)
}

/** Errors as RFC 9457 problem documents and back, from the one table of codes. Spec: docs/ERRORS.md */
import { errorTable, type ErrorCode } from '../base/error-table.ts'
import { PlexiError, toPlexiError, type ErrorDetails } from '../base/errors.ts'
import type { Failure } from './schemas/jobs.ts'
import type { Problem } from './contract.ts'

/** Longest list and deepest nesting of details that travel; errors carry names and ids, not data. */
const MAX_DETAIL_ITEMS = 200
const MAX_DETAIL_DEPTH = 4

export function problemOf(thrown: unknown, at: { instance: string; correlationId: string }): Problem {
  const error = toPlexiError(thrown)
  return {
    type: `urn:plexichat:error:${error.code}`,
    title: errorTable[error.code].why,
    status: error.httpStatus,
    detail: error.message,
    instance: at.instance,
    code: error.code,
    remedy: error.remedy,
    details: plainDetails(error.details),
    correlation_id: at.correlationId,
  }
}

/** The error a problem document stands for; a code from a newer daemon becomes `SYSTEM_UNEXPECTED`. */
export function errorOfProblem(problem: {
  code?: unknown
  detail?: unknown
  details?: unknown
  remedy?: unknown
}): PlexiError {
  const known = typeof problem.code === 'string' && Object.hasOwn(errorTable, problem.code)
  const message = typeof problem.detail === 'string' ? problem.detail : 'the daemon answered with an error'
  const details = typeof problem.details === 'object' && problem.details !== null ? problem.details : {}
  if (!known) return new PlexiError('SYSTEM_UNEXPECTED', { reason: message })
  const remedy = typeof problem.remedy === 'string' ? { remedy: problem.remedy } : {}
  return new PlexiError(problem.code as ErrorCode, details as ErrorDetails, { message, ...remedy })
}

/** How a job's end or the CLI's last line shows an error. */
export function failureOf(thrown: unknown): Failure {
  const error = toPlexiError(thrown)
  const { code, message, remedy, exitCode } = error
  return { code, message, remedy, exitCode, details: plainDetails(error.details) }
}

/** Details as JSON can carry them: bytes as hex, big integers as text, bounded. */
function plainDetails(details: ErrorDetails): Record<string, unknown> {
  return plain(details, 0) as Record<string, unknown>
}

function plain(value: unknown, depth: number): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DETAIL_DEPTH) return undefined
  if (Array.isArray(value)) return value.slice(0, MAX_DETAIL_ITEMS).map((item) => plain(item, depth + 1))
  const entries = Object.entries(value).slice(0, MAX_DETAIL_ITEMS)
  return Object.fromEntries(entries.map(([key, item]) => [key, plain(item, depth + 1)]))
}

/** What fastify itself throws (malformed requests, limits, validation) as errors of our table. */
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod'
import { PlexiError, toPlexiError } from '../base/errors.ts'

export function requestError(thrown: unknown): PlexiError {
  if (thrown instanceof PlexiError) return thrown
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const [first] = thrown.validation
    const where = [thrown.validationContext ?? 'request', ...(first?.instancePath ?? '').split('/').filter(Boolean)]
    const reason = `${where.join('.')}: ${first?.message ?? 'not valid'}`
    return new PlexiError('VALIDATION_USAGE', { reason }, { cause: thrown })
  }
  if (isResponseSerializationError(thrown))
    return new PlexiError(
      'SYSTEM_UNEXPECTED',
      { reason: `the answer of ${thrown.url} breaks its contract` },
      { cause: thrown.cause },
    )
  const { code, statusCode, message } = thrown as { code?: string; statusCode?: number; message?: string }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new PlexiError('VALIDATION_LIMIT', { what: 'the request body', limit: '1 MiB' }, { cause: thrown })
  if (statusCode === 415)
    return new PlexiError('VALIDATION_FORMAT', { expected: 'application/json' }, { cause: thrown })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new PlexiError('VALIDATION_USAGE', { reason: message ?? 'malformed request' }, { cause: thrown })
  return toPlexiError(thrown)
}

/** What a vector is, and how values of the formats are written in JSON. */
import { hex, open } from './open.ts'

/** JSON as it stands in a vector. Bytes are lower-case hex. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface Vector {
  /** Unique in its file. */
  readonly name: string
  /** Page and section, `01§Encoding`. */
  readonly spec: string
  /** `kind` says which operation; the rest are its arguments. */
  readonly input: { readonly kind: string; readonly [key: string]: Json }
  /** What must come out, or `{ error: CODE }`. */
  readonly expect: Json
  readonly why: string
}

/** A decoded CBOR value: bytes as `{ bytes }`, integers beyond 2⁵³ as `{ integer }`. */
export function toJson(value: unknown): Json {
  if (value instanceof Uint8Array) return { bytes: hex(value) }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
  }
  return value as Json
}

/**
 * A vector of which the reader itself confirms the error: a failure vector that would not fail never gets written.
 * Throws when `attempt` succeeds or fails otherwise.
 */
export function failing(vector: Omit<Vector, 'expect'> & { readonly error: string }, attempt: () => unknown): Vector {
  const { error, ...rest } = vector
  let outcome = 'no error'
  try {
    attempt()
  } catch (thrown) {
    outcome = thrown instanceof open.OpenError ? thrown.code : String(thrown)
  }
  if (outcome !== error) throw new Error(`${vector.name}: expected ${error}, got ${outcome}`)
  return { name: rest.name, spec: rest.spec, input: rest.input, expect: { error }, why: rest.why }
}

/** Runs the vectors of one page against this implementation: one handler per kind gives the result or throws a code. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isPlexiError } from '../../src/base/errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface Vector {
  readonly name: string
  readonly spec: string
  readonly input: { readonly kind: string; readonly [key: string]: Json }
  readonly expect: Json
  readonly why: string
}

/** Reads one argument of a vector as the type the handler expects; a wrong type fails the test. */
export class Input {
  readonly #fields: Vector['input']

  constructor(fields: Vector['input']) {
    this.#fields = fields
  }

  text(name: string): string {
    const value = this.#fields[name]
    if (typeof value !== 'string') throw new TypeError(`vector lacks text ${name}`)
    return value
  }

  bytes(name: string): Uint8Array {
    return unhex(this.text(name))
  }

  number(name: string): number {
    const value = this.#fields[name]
    if (typeof value !== 'number') throw new TypeError(`vector lacks number ${name}`)
    return value
  }

  list(name: string): readonly Json[] {
    const value = this.#fields[name]
    if (!Array.isArray(value)) throw new TypeError(`vector lacks list ${name}`)
    return value as readonly Json[]
  }

  byteList(name: string): Uint8Array[] {
    return this.list(name).map((item) => unhex(item as string))
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined
  }
}

export type Handler = (input: Input, vector: Vector) => Json | Promise<Json>

export function loadVectors(page: string): Vector[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/${page}.json`), 'utf8')) as Vector[]
}

/** One test per kind; every vector of the page must have a handler, and the page must have vectors. */
export function testVectors(page: string, handlers: Readonly<Record<string, Handler>>): void {
  const vectors = loadVectors(page)
  const kinds = new Set(vectors.map((vector) => vector.input.kind))
  t.test(`${page}: every kind is tested`, async (t) => {
    t.same(
      [...kinds].filter((kind) => handlers[kind] === undefined),
      [],
    )
    t.same(
      Object.keys(handlers).filter((kind) => !kinds.has(kind)),
      [],
    )
  })
  for (const [kind, handler] of Object.entries(handlers)) {
    t.test(`${page}: ${kind}`, async (t) => {
      for (const vector of vectors.filter((one) => one.input.kind === kind)) {
        t.same(await outcome(vector, handler), vector.expect, `${vector.name}: ${vector.why}`)
      }
    })
  }
}

async function outcome(vector: Vector, handler: Handler): Promise<Json> {
  try {
    return await handler(new Input(vector.input), vector)
  } catch (error) {
    if (!isPlexiError(error)) throw error
    return { error: error.code }
  }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

/** A decoded value in the JSON form of the vectors. */
export function toJson(value: unknown): Json {
  if (value instanceof Uint8Array) return { bytes: hex(value) }
  if (typeof value === 'bigint') return { integer: String(value) }
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
  }
  return value as Json
}

/** The reproducible bytes that vectors name: SHA-256 of label, a zero byte and a counter of 4 bytes. */
export function stream(label: string, length: number): Uint8Array {
  const blocks: Buffer[] = []
  for (let i = 0; i * 32 < length; i++) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(i)
    blocks.push(createHash('sha256').update(`${label}\0`).update(counter).digest())
  }
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length))
}
